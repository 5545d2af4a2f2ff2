//! Writes whole lines, also if the target is full for a while or fails.

use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;

use rustix::event::{PollFd, PollFlags, poll};

/// Where lines are written.
#[derive(Debug)]
pub(super) struct Output<T> {
    target: T,
    /// Whether the last line that was written has no end.
    is_torn: bool,
}

impl<T: Write> Output<T> {
    /// Lines are written to `target`.
    pub(super) fn new(target: T) -> Self {
        Self {
            target,
            is_torn: false,
        }
    }

    /// Writes lines. Returns how many of their bytes were written, which are all of them unless the target failed.
    pub(super) fn write(&mut self, lines: &[u8]) -> usize {
        if lines.is_empty() {
            return 0;
        }
        if self.is_torn {
            // Else the first line would become part of the torn one.
            if self.write_bytes(b"\n") == 0 {
                return 0;
            }
            self.is_torn = false;
        }
        let written = self.write_bytes(lines);
        let rest = lines.len() - written;
        self.is_torn = rest > 0 && lines[..written].last().is_some_and(|byte| *byte != b'\n');
        let _ = self.target.flush();
        written
    }

    fn write_bytes(&mut self, bytes: &[u8]) -> usize {
        let mut written = 0;
        while written < bytes.len() {
            match self.target.write(&bytes[written..]) {
                Ok(0) => break,
                Ok(count) => written += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        written
    }
}

/// A file whose writes wait until there is room, also if it is in non-blocking mode: another process that has the
/// same terminal or pipe may have set that.
#[derive(Debug)]
pub(super) struct Blocking<T>(pub(super) T);

impl<T: Write + AsFd> Write for Blocking<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.0, PollFlags::OUT)], None)?;
                }
                outcome => return outcome,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::{Read, pipe};
    use std::thread;

    use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

    use super::*;

    /// A target that takes so many bytes of each write, and fails where there is no number.
    struct Failing {
        takes: VecDeque<Option<usize>>,
        written: Vec<u8>,
    }

    impl Write for Failing {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let takes = self.takes.pop_front().unwrap_or(Some(bytes.len()));
            let count = takes.ok_or(ErrorKind::StorageFull)?.min(bytes.len());
            self.written.extend_from_slice(&bytes[..count]);
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn failing(takes: &[Option<usize>]) -> Output<Failing> {
        Output::new(Failing {
            takes: takes.iter().copied().collect(),
            written: Vec::new(),
        })
    }

    #[test]
    fn a_line_after_a_torn_one_is_one_by_itself() {
        let mut output = failing(&[Some(5), None, None]);
        assert_eq!(output.write(b"one\ntwo\n"), 5);
        assert_eq!(output.write(b"three\n"), 0);
        assert_eq!(output.write(b"four\n"), 5);
        assert_eq!(output.write(b"five\n"), 5);
        assert_eq!(output.target.written, b"one\nt\nfour\nfive\n");
    }

    #[test]
    fn nothing_separates_lines_that_are_whole() {
        let mut output = failing(&[Some(4), None, Some(2)]);
        assert_eq!(output.write(b"one\ntwo\n"), 4);
        assert_eq!(output.write(b"three\n"), 6);
        assert_eq!(output.target.written, b"one\nthree\n");
    }

    #[test]
    fn a_pipe_that_does_not_block_gets_every_byte() {
        let (mut reader, writer) = pipe().expect("a pipe");
        let flags = fcntl_getfl(&writer).expect("flags");
        fcntl_setfl(&writer, flags | OFlags::NONBLOCK).expect("flags are set");
        let lines: Vec<u8> = (0..100_000)
            .flat_map(|number| format!("{number}\n").into_bytes())
            .collect();
        let expected = lines.clone();
        let writing = thread::spawn(move || Output::new(Blocking(writer)).write(&lines));
        let mut read = Vec::new();
        reader.read_to_end(&mut read).expect("the pipe is read");
        assert_eq!(writing.join().expect("no panic"), expected.len());
        assert!(read == expected, "{} bytes", read.len());
    }
}
