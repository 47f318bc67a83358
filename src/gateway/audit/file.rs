//! Events as lines of a file, or of standard output, written by a thread of its own: what a disk or a pipe
//! takes its time for holds nobody up. What cannot be written is counted, and the next line that can be says
//! how many are missing.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use k8s_openapi::jiff::Timestamp;
use prometheus_client::metrics::counter::Counter;
use tokio::sync::oneshot;

use super::event;
use super::queue::{Lost, Message, Waiting};

/// Events that are written at once, at most, while more wait.
const AT_ONCE: usize = 256;

/// Where lines go.
pub enum Place {
    /// Standard output.
    Output,
    /// A file; where another one stands under its name by now, or none, it is opened anew.
    File {
        /// Its name.
        path: PathBuf,
        /// It, while it is open.
        open: Option<File>,
    },
}

/// Lines that were not all written.
struct Torn {
    /// Bytes that were.
    written: usize,
    why: io::Error,
}

impl Place {
    /// The place of this name, `-` being standard output. A file is made, for its owner alone, where there is none.
    ///
    /// # Errors
    /// What the system says of opening it.
    pub fn open(path: &Path) -> io::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::Output);
        }
        Ok(Self::File { path: path.to_owned(), open: Some(append(path)?) })
    }

    /// Writes all of it to where the name leads now.
    fn write(&mut self, lines: &[u8]) -> Result<(), Torn> {
        let failed = |why| Torn { written: 0, why };
        match self {
            Self::Output => {
                let mut output = io::stdout().lock();
                write(&mut output, lines)?;
                output.flush().map_err(failed)
            }
            Self::File { path, open } => {
                if open.as_ref().is_none_or(|file| !is_at(file, path)) {
                    *open = None;
                }
                let file = match open {
                    Some(file) => file,
                    None => open.insert(append(path).map_err(failed)?),
                };
                write(file, lines)
            }
        }
    }
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// Whether a file is what its name leads to.
fn is_at(file: &File, path: &Path) -> bool {
    let same = || -> io::Result<bool> {
        let (ours, there) = (file.metadata()?, std::fs::metadata(path)?);
        Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino()))
    };
    same().unwrap_or(false)
}

/// Like `write_all`, but tells how far it came.
fn write(to: &mut impl Write, lines: &[u8]) -> Result<(), Torn> {
    let mut written = 0;
    while let Some(rest) = lines.get(written..).filter(|rest| !rest.is_empty()) {
        match to.write(rest) {
            Ok(0) => return Err(Torn { written, why: ErrorKind::WriteZero.into() }),
            Ok(more) => written = written.saturating_add(more),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(why) => return Err(Torn { written, why }),
        }
    }
    Ok(())
}

/// Who writes.
pub struct Writer {
    place: Place,
    lost: Arc<Lost>,
    written: Counter,
    /// Whether the last line is half a line.
    torn: bool,
}

impl Writer {
    /// A writer of lines.
    pub fn new(place: Place, lost: Arc<Lost>, written: Counter) -> Self {
        Self { place, lost, written, torn: false }
    }

    /// Writes what comes in, in a thread of its own, until there is no more; the answer tells when.
    ///
    /// # Errors
    /// What the system says of starting a thread.
    pub fn start(mut self, mut waiting: Waiting) -> io::Result<oneshot::Receiver<()>> {
        let (ended, end) = oneshot::channel();
        std::thread::Builder::new().name("audit".to_owned()).spawn(move || {
            while self.next(&mut waiting) {}
            // Whoever waits for the end may have gone.
            let _ = ended.send(());
        })?;
        Ok(end)
    }

    /// Writes what waits, once something does; whether more may come.
    fn next(&mut self, waiting: &mut Waiting) -> bool {
        let mut messages = Vec::new();
        if waiting.blocking_recv_many(&mut messages, AT_ONCE) == 0 {
            return false;
        }
        let more = !messages.iter().any(|message| matches!(message, Message::End));
        let events: Vec<_> = messages.iter().filter_map(Message::event).collect();
        if !events.is_empty() {
            self.write(&events);
        }
        more
    }

    fn write(&mut self, events: &[&event::Event]) {
        let mut lines = Vec::new();
        if self.torn {
            lines.push(b'\n');
        }
        let gap = self.lost.take();
        if gap > 0 {
            event::gap(Timestamp::now(), gap, &mut lines);
        }
        let before = lines.iter().filter(|byte| **byte == b'\n').count();
        events.iter().for_each(|event| event::line(event, &mut lines));
        match self.place.write(&lines) {
            Ok(()) => {
                self.torn = false;
                self.written.inc_by(events.len() as u64);
            }
            Err(torn) => self.missed(&lines, before, gap, events.len(), &torn),
        }
    }

    /// Counts the lines that did not come through. `before` are those in front of the first event.
    fn missed(&mut self, lines: &[u8], before: usize, gap: u64, events: usize, torn: &Torn) {
        let through = lines.get(..torn.written).unwrap_or_default();
        self.torn = through.last().map_or(self.torn, |byte| *byte != b'\n');
        let whole = through.iter().filter(|byte| **byte == b'\n').count();
        let written = whole.saturating_sub(before);
        self.written.inc_by(written as u64);
        self.lost.add(events.saturating_sub(written) as u64, &torn.why);
        if whole < before {
            self.lost.still(gap);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::queue::Queue;
    use super::*;

    /// Takes so many bytes, and then no more.
    struct Full(Vec<u8>, usize);

    impl Write for Full {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.1 - self.0.len());
            if fits == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.0.extend(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn of_lines_that_do_not_fit_it_is_known_how_far_they_came() {
        let mut full = Full(Vec::new(), 5);
        assert_eq!(write(&mut full, b"abc\ndef\n").unwrap_err().written, 5);
        assert!(write(&mut Full(Vec::new(), 9), b"abc\ndef\n").is_ok());
    }

    #[test]
    fn a_gap_is_told_where_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit");
        let (queue, _waiting) = Queue::new("file", |_| true, 1, Counter::default());
        let written = Counter::default();
        let mut writer = Writer::new(Place::open(&path).unwrap(), queue.lost().clone(), written.clone());
        let event = event::tests::event();
        writer.write(&[&event]);
        queue.lost().add(3, &"a test");
        // Half a line came through, and the disk has room again.
        let torn = Torn { written: 10, why: ErrorKind::StorageFull.into() };
        writer.missed(b"{\"time\":\"2026-01-01\"}\n", 0, 0, 1, &torn);
        writer.write(&[&event, &event]);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), written.get()), (5, 3), "{text}");
        assert_eq!(lines[1], "", "what was torn is ended first");
        assert!(lines[2].ends_with("\"dropped\":4}"), "{text}");
        assert!(lines[0].contains("\"decision\"") && lines[3] == lines[4]);
    }

    #[test]
    fn what_is_told_of_a_gap_is_told_again_where_it_did_not_come_through() {
        let (queue, _waiting) = Queue::new("file", |_| true, 1, Counter::default());
        let mut writer = Writer::new(
            Place::open(Path::new("/dev/full")).unwrap(),
            queue.lost().clone(),
            Counter::default(),
        );
        queue.lost().add(3, &"a test");
        writer.write(&[&event::tests::event()]);
        assert_eq!(queue.lost().take(), 4);
    }

    #[test]
    fn a_file_that_is_renamed_is_opened_anew_under_its_name_and_nobody_else_may_read_it() {
        let folder = tempfile::tempdir().unwrap();
        let (path, moved) = (folder.path().join("audit"), folder.path().join("audit.1"));
        let mut place = Place::open(&path).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        assert!(place.write(b"one\n").is_ok());
        std::fs::rename(&path, &moved).unwrap();
        assert!(place.write(b"two\n").is_ok());
        assert_eq!((read(&moved).as_str(), read(&path).as_str()), ("one\n", "two\n"));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        std::fs::write(&path, "").unwrap();
        assert!(place.write(b"three\n").is_ok());
        assert_eq!(read(&path), "three\n", "cut short in place, it goes on from there");
    }
}
