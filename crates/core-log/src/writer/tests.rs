use std::thread::yield_now;

use core_time::Clock;

use super::*;

fn capacity_asleep(writer: &Writer) -> usize {
    let clock = Clock::system();
    let until = clock.now() + Duration::from_secs(30);
    loop {
        let front = writer.lock();
        if front.thread == Thread::Sleeps {
            return front.text.capacity();
        }
        drop(front);
        assert!(clock.now() < until, "it never sleeps");
        yield_now();
    }
}

#[test]
fn both_buffers_give_back_what_a_burst_took_once_nothing_comes() {
    let sink = Sink::new(|_: &[u8]| Ok(()));
    let writer =
        Writer::start(Queue::new(), sink, Box::new(|_, _| ())).unwrap_or_else(|error| panic!("{error}"));
    let closer = Closer(Arc::clone(&writer));
    let line = vec![b'x'; 32 * 1024];
    // The buffers change places: two bursts see both.
    for _ in 0..2 {
        let mut most = 0;
        for _ in 0..200 {
            writer.push(&line, Level::Info);
            most = most.max(writer.lock().text.capacity());
        }
        assert!(writer.flush(Duration::from_secs(30)));
        assert!(capacity_asleep(&writer) <= KEEP, "of {most}");
    }
    writer.push(b"x\n", Level::Info);
    assert!(writer.flush(Duration::from_secs(30)));
    assert!(capacity_asleep(&writer) <= KEEP);
    drop(closer);
}

#[test]
fn a_buffer_that_is_much_too_large_for_long_is_halved_and_a_busy_one_is_not() {
    let rounds = |used: usize, rounds: u32| {
        let (mut spare, mut batch) = (Spare::default(), Vec::with_capacity(8 * KEEP));
        for _ in 0..rounds {
            batch.resize(used, b'x');
            spare.look(&mut batch);
            assert!(batch.is_empty());
        }
        batch.capacity() / KEEP
    };
    assert_eq!([rounds(100, ROUNDS - 1), rounds(100, ROUNDS), rounds(100, 3 * ROUNDS)], [8, 4, 1]);
    assert_eq!([rounds(100, 9 * ROUNDS), rounds(KEEP, 9 * ROUNDS)], [1, 8]);
}
