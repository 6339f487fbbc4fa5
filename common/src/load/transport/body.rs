//! Chunked bodies (RFC 9112, section 7.1), decoded piece by piece however they are cut.

/// Where a chunked body stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunks {
    /// In the digits of a size.
    Size { size: u64, digits: u8 },
    /// After the size, in an extension or before the line feed.
    Extension { size: u64 },
    /// Within data.
    Data { left: u64 },
    /// After data, before its line feed.
    AfterData,
    /// In the trailer section; `empty` if nothing stands on the line yet.
    Trailer { empty: bool },
    /// At its end.
    Done,
}

/// Trailers longer than this are refused.
const MAX_TRAILER: u32 = 16 << 10;

/// Decodes a chunked body.
#[derive(Debug)]
pub(super) struct ChunkedBody {
    at: Chunks,
    trailer_bytes: u32,
}

impl ChunkedBody {
    pub(super) fn new() -> Self {
        Self { at: Chunks::Size { size: 0, digits: 0 }, trailer_bytes: 0 }
    }

    pub(super) fn is_done(&self) -> bool {
        self.at == Chunks::Done
    }

    /// Decodes `bytes`, hands data to `take`, and returns how many bytes belonged to the body.
    pub(super) fn decode<E>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<Result<usize, &'static str>, E> {
        let mut rest = bytes;
        while let Some(&byte) = rest.first() {
            if let Chunks::Data { left } = self.at {
                let now = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                take(&rest[..now])?;
                rest = &rest[now..];
                let left = left - now as u64;
                self.at = if left == 0 { Chunks::AfterData } else { Chunks::Data { left } };
                continue;
            }
            if self.at == Chunks::Done {
                break;
            }
            match self.step(byte) {
                Ok(()) => rest = &rest[1..],
                Err(why) => return Ok(Err(why)),
            }
        }
        Ok(Ok(bytes.len() - rest.len()))
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        self.at = match self.at {
            Chunks::Size { size, digits } => match (char::from(byte).to_digit(16), byte) {
                (Some(_), _) if digits >= 15 => return Err("a chunk size is too large"),
                (Some(digit), _) => Chunks::Size { size: size * 16 + u64::from(digit), digits: digits + 1 },
                (None, b';' | b'\r' | b' ' | b'\t') if digits > 0 => Chunks::Extension { size },
                (None, b'\n') if digits > 0 => after_size(size),
                (None, _) => return Err("a chunk size is not a hexadecimal number"),
            },
            Chunks::Extension { size } => match byte {
                b'\n' => after_size(size),
                _ => {
                    self.count()?;
                    Chunks::Extension { size }
                }
            },
            Chunks::AfterData => match byte {
                b'\r' => Chunks::AfterData,
                b'\n' => Chunks::Size { size: 0, digits: 0 },
                _ => return Err("a chunk does not end where its size says"),
            },
            Chunks::Trailer { empty } => match byte {
                b'\n' if empty => Chunks::Done,
                b'\n' => Chunks::Trailer { empty: true },
                b'\r' => Chunks::Trailer { empty },
                _ => {
                    self.count()?;
                    Chunks::Trailer { empty: false }
                }
            },
            same @ (Chunks::Data { .. } | Chunks::Done) => same,
        };
        Ok(())
    }

    fn count(&mut self) -> Result<(), &'static str> {
        self.trailer_bytes += 1;
        if self.trailer_bytes > MAX_TRAILER { Err("extensions and trailers of the body are too long") } else { Ok(()) }
    }
}

fn after_size(size: u64) -> Chunks {
    if size == 0 { Chunks::Trailer { empty: true } } else { Chunks::Data { left: size } }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decode(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), &'static str> {
        let mut body = ChunkedBody::new();
        let mut data = Vec::new();
        for piece in pieces {
            let taken = body.decode(piece, |bytes| {
                data.extend_from_slice(bytes);
                Ok::<_, std::convert::Infallible>(())
            });
            let Ok(taken) = taken;
            taken?;
        }
        Ok((data, body.is_done()))
    }

    #[test]
    fn chunks_extensions_and_trailers_are_read() {
        let text = b"4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: z\r\n\r\n";
        assert_eq!(decode(&[text]), Ok((b"Wikipedia".to_vec(), true)));
    }

    #[test]
    fn what_comes_after_the_body_is_left_alone() {
        let mut body = ChunkedBody::new();
        let Ok(taken) = body.decode(b"0\r\n\r\nHTTP/1.1", |_| Ok::<_, std::convert::Infallible>(()));
        assert_eq!(taken, Ok(5));
    }

    #[test]
    fn broken_chunks_are_refused() {
        for bad in [&b"x\r\n"[..], b"\r\n", b"2\r\nabc", b"ffffffffffffffffff\r\n"] {
            assert!(decode(&[bad]).is_err(), "{:?}", String::from_utf8_lossy(bad));
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_body_is_cut(
            chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut text = Vec::new();
            for chunk in &chunks {
                text.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                text.extend_from_slice(chunk);
                text.extend_from_slice(b"\r\n");
            }
            text.extend_from_slice(b"0\r\n\r\n");
            let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(text.len())).collect();
            places.extend([0, text.len()]);
            places.sort_unstable();
            let pieces: Vec<_> = places.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces), Ok((chunks.concat(), true)));
        }
    }
}
