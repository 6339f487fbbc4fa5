//! Server-sent events out of pieces of bytes, wherever the pieces were cut (WHATWG HTML, "9.2.6 Interpreting an event
//! stream").
//!
//! Lines end in LF, CR LF or CR; a byte order mark at the start is passed over; lines that begin with `:` are comments;
//! the `data` lines of an event are joined by LF; an empty line ends the event. `event`, `id` and `retry` mean nothing to
//! a chat completion and are passed over, and so is an event without a `data` line. What is left without its empty line
//! when the stream ends is no event.

/// The most that one event may hold: 1 MiB.
pub(crate) const MAX_EVENT: usize = 1 << 20;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// An event that was larger than [`MAX_EVENT`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLarge;

/// Reads events. It keeps its buffers from stream to stream, so that a steady load allocates nothing here.
#[derive(Debug, Default)]
pub(crate) struct SseParser {
    /// A line whose end has not come yet.
    line: Vec<u8>,
    /// The data of the event under way.
    data: Vec<u8>,
    has_data: bool,
    /// The last byte was a CR: an LF that follows belongs to it.
    after_cr: bool,
    /// A line has been read, so that a byte order mark is none any more.
    begun: bool,
    comments: u64,
}

impl SseParser {
    /// Begins a new stream.
    pub(crate) fn reset(&mut self) {
        self.line.clear();
        self.data.clear();
        self.has_data = false;
        self.after_cr = false;
        self.begun = false;
        self.comments = 0;
    }

    /// Comment lines so far, as providers send them to keep a connection alive.
    pub(crate) fn comments(&self) -> u64 {
        self.comments
    }

    /// True if an event was begun and not ended.
    pub(crate) fn is_midway(&self) -> bool {
        self.has_data || !self.line.is_empty()
    }

    /// Takes in a piece and hands over the data of each event that it ends.
    ///
    /// # Errors
    /// When an event is larger than [`MAX_EVENT`]; the rest of the stream means nothing then.
    pub(crate) fn feed(&mut self, mut piece: &[u8], mut on_event: impl FnMut(&[u8])) -> Result<(), TooLarge> {
        while !piece.is_empty() {
            if std::mem::take(&mut self.after_cr) && piece[0] == b'\n' {
                piece = &piece[1..];
                continue;
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let Some(end) = end else {
                if self.line.len() + piece.len() > MAX_EVENT {
                    return Err(TooLarge);
                }
                self.line.extend_from_slice(piece);
                return Ok(());
            };
            self.after_cr = piece[end] == b'\r';
            self.end_line(&piece[..end], &mut on_event)?;
            piece = &piece[end + 1..];
        }
        Ok(())
    }

    fn end_line(&mut self, rest: &[u8], on_event: &mut impl FnMut(&[u8])) -> Result<(), TooLarge> {
        if self.line.is_empty() {
            return self.line(rest, on_event);
        }
        let mut line = std::mem::take(&mut self.line);
        line.extend_from_slice(rest);
        let read = self.line(&line, on_event);
        line.clear();
        self.line = line;
        read
    }

    fn line(&mut self, mut line: &[u8], on_event: &mut impl FnMut(&[u8])) -> Result<(), TooLarge> {
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                on_event(&self.data);
                self.data.clear();
            }
            return Ok(());
        }
        let (field, value) = match line.iter().position(|byte| *byte == b':') {
            Some(0) => {
                self.comments += 1;
                return Ok(());
            }
            Some(colon) => {
                let value = &line[colon + 1..];
                (&line[..colon], value.strip_prefix(b" ").unwrap_or(value))
            }
            None => (line, [].as_slice()),
        };
        if field != b"data" {
            return Ok(());
        }
        if self.data.len() + value.len() >= MAX_EVENT {
            return Err(TooLarge);
        }
        if std::mem::replace(&mut self.has_data, true) {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(parser: &mut SseParser, pieces: &[&[u8]]) -> Vec<String> {
        let mut seen = Vec::new();
        for piece in pieces {
            parser.feed(piece, |data| seen.push(String::from_utf8_lossy(data).into_owned())).unwrap();
        }
        seen
    }

    fn of(text: &str) -> Vec<String> {
        events(&mut SseParser::default(), &[text.as_bytes()])
    }

    #[test]
    fn all_three_line_ends_end_a_line() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("data: a{end}{end}data:b{end}data: c{end}{end}");
            assert_eq!(of(&text), ["a", "b\nc"], "{end:?}");
        }
    }

    #[test]
    fn comments_and_other_fields_are_passed_over_and_comments_counted() {
        let mut parser = SseParser::default();
        let text = ": keep-alive\n\nevent: x\nid: 7\nretry: 3\n\n:\ndatab: no\ndata: a\ndata\n\n";
        assert_eq!(events(&mut parser, &[text.as_bytes()]), ["a\n"]);
        assert_eq!(parser.comments(), 2);
    }

    #[test]
    fn only_one_space_after_the_colon_is_taken_away() {
        assert_eq!(of("data:  a\n\ndata:b: c\n\n"), [" a", "b: c"]);
    }

    #[test]
    fn a_byte_order_mark_is_one_only_at_the_start() {
        assert_eq!(of("\u{feff}data: a\n\n\u{feff}data: b\n\n"), ["a"]);
    }

    #[test]
    fn what_has_no_empty_line_after_it_is_no_event() {
        let mut parser = SseParser::default();
        assert_eq!(events(&mut parser, &[b"data: a\n\ndata: [DONE]\n"]), ["a"]);
        assert!(parser.is_midway());
    }

    #[test]
    fn a_parser_that_begins_anew_knows_nothing_of_the_stream_before() {
        let mut parser = SseParser::default();
        assert!(events(&mut parser, &[b": x\ndata: half\r"]).is_empty());
        parser.reset();
        assert_eq!(events(&mut parser, &[b"\n\ndata: b\n\n"]), ["b"]);
        assert_eq!(parser.comments(), 0);
    }

    #[test]
    fn an_event_without_end_is_refused_before_it_fills_the_memory() {
        let mut parser = SseParser::default();
        let piece = [b'x'; 64 << 10];
        let fed = (0..100).take_while(|_| parser.feed(&piece, |_| {}).is_ok()).count();
        assert_eq!(fed, 16);
        parser.reset();
        let line = [b"data: ".as_slice(), &piece, b"\n"].concat();
        assert!((0..100).any(|_| parser.feed(&line, |_| {}).is_err()));
    }

    proptest! {
        #[test]
        fn where_the_bytes_are_cut_makes_no_difference(
            lines in prop::collection::vec(
                prop::sample::select(vec!["data: é…\u{1f393}", "data:", ": c", "", "", "event: x", "data: [DONE]"]), 0..30),
            end in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in prop::collection::vec(0_usize..400, 0..20),
        ) {
            let bytes = lines.iter().flat_map(|line| [*line, end]).collect::<String>().into_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(
                events(&mut SseParser::default(), &pieces), events(&mut SseParser::default(), &[&bytes]));
        }
    }
}
