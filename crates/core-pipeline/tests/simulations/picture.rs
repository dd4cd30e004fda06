use std::fmt::Write;
use std::path::Path;

/// Lines over time.
pub(crate) struct Picture<'a> {
    pub(crate) title: &'a str,
    /// What the numbers are.
    pub(crate) unit: &'a str,
    pub(crate) seconds: u32,
    pub(crate) lines: Vec<(&'a str, Vec<f64>)>,
    /// What happened, from when to when.
    pub(crate) trigger: (&'a str, u32, u32),
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 56.0;
const TOP: f64 = 52.0;
const COLOURS: [&str; 4] = ["#c0392b", "#2471a3", "#1e8449", "#7d3c98"];

// === impl Picture ===

impl Picture<'_> {
    /// Draws it, and holds it against the one in `docs/pictures`.
    pub(crate) fn check(&self, file: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/pictures").join(file);
        let drawn = self.svg();
        if std::env::var_os("GENESIS_BLESS").is_some() {
            std::fs::write(&path, &drawn).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            known == drawn,
            "docs/pictures/{file} shows another history: look at it, then GENESIS_BLESS=1"
        );
    }

    fn svg(&self) -> String {
        let most = self.lines.iter().flat_map(|(_, line)| line).copied().fold(1.0, f64::max);
        let top = round_up(most);
        let x = |second: f64| LEFT + second / f64::from(self.seconds) * WIDTH;
        let y = |value: f64| TOP + HEIGHT - value / top * HEIGHT;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n\
             <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{}</text>\n",
            LEFT + WIDTH + 16.0,
            TOP + HEIGHT + 40.0,
            self.title,
        );
        let (what, from, to) = self.trigger;
        let (left, right) = (x(from.into()), x(to.into()));
        writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{TOP}\" width=\"{:.1}\" height=\"{HEIGHT}\" fill=\"#f2f3f4\"/>\n\
             <text x=\"{:.1}\" y=\"{}\" fill=\"#707b7c\">{what}</text>",
            right - left,
            left + 4.0,
            TOP + 14.0,
        )
        .unwrap();
        for quarter in 0..=4 {
            let value = top * f64::from(quarter) / 4.0;
            writeln!(
                out,
                "<path d=\"M{LEFT} {0:.1}H{1}\" stroke=\"#d5d8dc\"/><text x=\"{2}\" y=\"{3:.1}\" text-anchor=\"end\">{value}</text>",
                y(value),
                LEFT + WIDTH,
                LEFT - 6.0,
                y(value) + 4.0,
            )
            .unwrap();
        }
        for tenth in 0..=10 {
            let second = f64::from(self.seconds * tenth) / 10.0;
            writeln!(
                out,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\">{second} s</text>",
                x(second),
                TOP + HEIGHT + 18.0,
            )
            .unwrap();
        }
        writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"{}\" fill=\"#707b7c\">{}</text>",
            TOP + HEIGHT + 34.0,
            self.unit
        )
        .unwrap();
        let mut at = LEFT;
        for ((name, line), colour) in self.lines.iter().zip(COLOURS) {
            let step = f64::from(self.seconds) / f64::from(u32::try_from(line.len()).unwrap());
            let points = (0_u32..)
                .zip(line)
                .map(|(at, value)| format!("{:.1},{:.1}", x((f64::from(at) + 0.5) * step), y(*value)));
            let points = points.collect::<Vec<_>>().join(" ");
            writeln!(
                out,
                "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\"/>\n\
                 <text x=\"{at}\" y=\"40\" fill=\"{colour}\">{name}</text>"
            )
            .unwrap();
            at += 14.0 + 7.0 * f64::from(u32::try_from(name.len()).unwrap());
        }
        out.push_str("</svg>\n");
        out
    }
}

/// To 1, 2, 4 or 8 times a power of ten: quarters of it are round, too.
fn round_up(value: f64) -> f64 {
    let mut power = 1.0;
    loop {
        for factor in [1.0, 2.0, 4.0, 8.0] {
            if factor * power >= value {
                return factor * power;
            }
        }
        power *= 10.0;
    }
}
