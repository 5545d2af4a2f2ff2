//! How records are written: a version byte, then the fields one after the other.
//!
//! Numbers are little-endian, texts and lists begin with their length as four bytes. Decoding checks
//! everything and never panics: what is on a disk may be anything.

use std::fmt;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::clock::timeline::Moment;
use crate::error::Failure;

/// So many bytes most records need not exceed, while they are written.
const USUAL_BYTES: usize = 128;

/// Writes a record.
#[derive(Debug)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Begins a record of this version, of a usual size.
    pub fn new(version: u8) -> Self {
        Self::with_capacity(version, USUAL_BYTES)
    }

    /// Begins a record of this version that will have about `bytes` bytes.
    pub fn with_capacity(version: u8, bytes: usize) -> Self {
        let mut record = Vec::with_capacity(bytes);
        record.push(version);
        Self(record)
    }

    /// Goes on behind what is in `bytes`.
    pub fn behind(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Appends exactly these bytes.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// Appends a truth value.
    #[must_use]
    pub fn bool(self, value: bool) -> Self {
        self.bytes(&[u8::from(value)])
    }

    /// Appends a whole number.
    #[must_use]
    pub fn number(self, value: u64) -> Self {
        self.bytes(&value.to_le_bytes())
    }

    /// Appends a whole number in as few bytes as it takes: seven bits in each, the lowest first (LEB128).
    #[must_use]
    pub fn varint(mut self, mut value: u64) -> Self {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
        self
    }

    /// Appends a time.
    #[must_use]
    pub fn timestamp(self, value: Timestamp) -> Self {
        self.bytes(&value.as_millis().to_le_bytes())
    }

    /// Appends a moment, as [`Encoder::varint`]: its sign is in the lowest bit (zigzag).
    #[must_use]
    pub fn moment(self, value: Moment) -> Self {
        let millis = value.as_millis();
        let zigzag = (millis << 1) ^ (millis >> 63);
        self.varint(zigzag.cast_unsigned())
    }

    /// Appends a text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.count(text.len()).bytes(text.as_bytes())
    }

    /// Appends `value`, or that there is none.
    #[must_use]
    pub fn option<T>(self, value: Option<T>, encode: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            Some(value) => encode(self.bool(true), value),
            None => self.bool(false),
        }
    }

    /// Appends every item.
    #[must_use]
    pub fn list<T>(self, items: &[T], encode: impl Fn(Self, &T) -> Self) -> Self {
        let begun = self.count(items.len());
        items.iter().fold(begun, encode)
    }

    /// Appends how many there are of something.
    #[must_use]
    pub fn count(self, count: usize) -> Self {
        // The store's own limit on a record is below 4 GiB, and a request body's is far below.
        let count = u32::try_from(count).expect("a record is shorter than 4 GiB");
        self.bytes(&count.to_le_bytes())
    }

    /// Appends at most 255 bytes, after their number as one byte.
    #[must_use]
    pub fn short_bytes(self, bytes: &[u8]) -> Self {
        let length = u8::try_from(bytes.len()).expect("a short key has at most 255 bytes");
        self.bytes(&[length]).bytes(bytes)
    }

    /// Appends bytes after their number, as [`Encoder::varint`].
    #[must_use]
    pub fn varint_bytes(self, bytes: &[u8]) -> Self {
        self.varint(bytes.len() as u64).bytes(bytes)
    }

    /// Appends every item after their number, as [`Encoder::varint`].
    #[must_use]
    pub fn varint_list<T>(
        self,
        items: impl ExactSizeIterator<Item = T>,
        encode: impl Fn(Self, T) -> Self,
    ) -> Self {
        let begun = self.varint(items.len() as u64);
        items.fold(begun, encode)
    }

    /// Appends any JSON, as text.
    #[must_use]
    pub fn json(self, value: &Value) -> Self {
        self.text(&value.to_string())
    }

    /// The record.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Reads a record of the kind that it names in errors.
#[derive(Clone, Debug)]
pub struct Decoder<'a> {
    kind: &'static str,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// Begins to read `record`, which must be of this version.
    ///
    /// # Errors
    ///
    /// [`Failure::Corrupt`], as every method here.
    pub fn new(kind: &'static str, version: u8, record: &'a [u8]) -> Result<Self, Failure> {
        let mut decoder = Self { kind, rest: record };
        match decoder.array()? {
            [found] if found == version => Ok(decoder),
            [found] => Err(decoder.corrupt(format_args!("version {found} is not known"))),
        }
    }

    /// Begins to read what has no version of its own.
    pub fn unversioned(kind: &'static str, bytes: &'a [u8]) -> Self {
        Self { kind, rest: bytes }
    }

    /// Takes `N` bytes.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Failure> {
        match self.rest.split_first_chunk() {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(*bytes)
            }
            None => Err(self.corrupt(format_args!("it ends too early"))),
        }
    }

    /// How many bytes were not taken yet.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes a truth value.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn bool(&mut self) -> Result<bool, Failure> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.corrupt(format_args!("{other} is no truth value"))),
        }
    }

    /// Takes a whole number.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn number(&mut self) -> Result<u64, Failure> {
        self.array().map(u64::from_le_bytes)
    }

    /// Takes a whole number that was appended by [`Encoder::varint`], and is in its shortest form.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn varint(&mut self) -> Result<u64, Failure> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7F);
            if bits << shift >> shift != bits || byte == 0 && shift > 0 {
                return Err(self.corrupt(format_args!("a number is too long")));
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.corrupt(format_args!("a number is too long")))
    }

    /// Takes a moment.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn moment(&mut self) -> Result<Moment, Failure> {
        let zigzag = self.varint()?;
        let millis = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
        Ok(Moment::from_millis(millis))
    }

    /// Takes a time.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn timestamp(&mut self) -> Result<Timestamp, Failure> {
        let bytes = self.array()?;
        Ok(Timestamp::from_millis(i64::from_le_bytes(bytes)))
    }

    /// Takes a text.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn text(&mut self) -> Result<&'a str, Failure> {
        let length = self.count()?;
        let bytes = self.bytes(length)?;
        std::str::from_utf8(bytes)
            .map_err(|_| self.corrupt(format_args!("a text in it is not UTF-8")))
    }

    /// Takes what may be there.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn option<T>(
        &mut self,
        decode: impl FnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<Option<T>, Failure> {
        if self.bool()? {
            decode(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Takes a list, item by item: a false length ends at the record's end, not in a huge allocation.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn list<T>(
        &mut self,
        mut decode: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let length = self.count()?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(decode(self)?);
        }
        Ok(items)
    }

    /// Takes how many there are of something.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn count(&mut self) -> Result<usize, Failure> {
        let count = u32::from_le_bytes(self.array()?);
        usize::try_from(count).map_err(|_| self.corrupt(format_args!("it is too long")))
    }

    /// Takes this number of bytes.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn bytes(&mut self, length: usize) -> Result<&'a [u8], Failure> {
        let Some((bytes, rest)) = self.rest.split_at_checked(length) else {
            return Err(self.corrupt(format_args!("it ends too early")));
        };
        self.rest = rest;
        Ok(bytes)
    }

    /// Takes bytes that were appended by [`Encoder::varint_bytes`].
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn varint_bytes(&mut self) -> Result<&'a [u8], Failure> {
        let length = self.varint()?;
        self.bytes(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Takes a text that was appended by [`Encoder::varint_bytes`].
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn varint_text(&mut self) -> Result<&'a str, Failure> {
        let bytes = self.varint_bytes()?;
        std::str::from_utf8(bytes)
            .map_err(|_| self.corrupt(format_args!("a text in it is not UTF-8")))
    }

    /// Takes items after their number as [`Encoder::varint`], one by one, as [`Decoder::list`] does.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn varint_list<T>(
        &mut self,
        mut decode: impl FnMut(&mut Self) -> Result<T, Failure>,
    ) -> Result<Vec<T>, Failure> {
        let length = self.varint()?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(decode(self)?);
        }
        Ok(items)
    }

    /// Takes bytes after their number as one byte.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn short_bytes(&mut self) -> Result<&'a [u8], Failure> {
        let [length] = self.array()?;
        self.bytes(usize::from(length))
    }

    /// Takes JSON of the wanted kind.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn json<T: DeserializeOwned>(&mut self) -> Result<T, Failure> {
        let text = self.text()?;
        serde_json::from_str(text).map_err(|_| {
            self.corrupt(format_args!(
                "a part of it is not the JSON that it should be"
            ))
        })
    }

    /// Ends the record with all that is left of it.
    pub fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Ends the record: nothing may be left.
    ///
    /// # Errors
    ///
    /// See [`Decoder::new`].
    pub fn finish(self) -> Result<(), Failure> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.corrupt(format_args!("{} bytes are left over", self.rest.len())))
        }
    }

    /// The failure that says what is wrong with this record.
    pub fn corrupt(&self, what: fmt::Arguments<'_>) -> Failure {
        Failure::Corrupt(format!("{}: {what}", self.kind))
    }
}

#[cfg(test)]
pub mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        Encoder::new(1)
            .bool(true)
            .timestamp(Timestamp::from_millis(-5))
            .text("zwölf")
            .option(Some("x"), Encoder::text)
            .list(&["a", "b"], |record, item| record.text(item))
            .finish()
    }

    #[derive(PartialEq, Debug)]
    struct Sample {
        flag: bool,
        moment: Timestamp,
        text: String,
        option: Option<String>,
        list: Vec<String>,
    }

    fn read(record: &[u8]) -> Result<Sample, Failure> {
        let mut decoder = Decoder::new("sample", 1, record)?;
        let sample = Sample {
            flag: decoder.bool()?,
            moment: decoder.timestamp()?,
            text: decoder.text()?.to_owned(),
            option: decoder.option(|record| record.text().map(str::to_owned))?,
            list: decoder.list(|record| record.text().map(str::to_owned))?,
        };
        decoder.finish()?;
        Ok(sample)
    }

    #[test]
    fn reads_what_it_wrote() {
        let expected = Sample {
            flag: true,
            moment: Timestamp::from_millis(-5),
            text: "zwölf".to_owned(),
            option: Some("x".to_owned()),
            list: vec!["a".to_owned(), "b".to_owned()],
        };
        assert_eq!(read(&sample()), Ok(expected));
    }

    #[test]
    fn every_truncation_and_every_extension_is_corrupt() {
        let whole = sample();
        for length in 0..whole.len() {
            assert!(
                matches!(read(&whole[..length]), Err(Failure::Corrupt(_))),
                "{length} bytes of {}",
                whole.len()
            );
        }
        assert!(read(&[whole, vec![0]].concat()).is_err());
    }

    #[test]
    fn another_version_is_corrupt() {
        let mut record = sample();
        record[0] = 2;
        assert_eq!(
            read(&record),
            Err(Failure::Corrupt(
                "sample: version 2 is not known".to_owned()
            ))
        );
    }

    #[test]
    fn a_huge_length_is_corrupt_and_allocates_nothing() {
        let record = Encoder::new(1).bytes(&u32::MAX.to_le_bytes()).finish();
        let mut decoder = Decoder::new("sample", 1, &record).expect("the version fits");
        assert!(
            decoder
                .list(|record| record.text().map(str::to_owned))
                .is_err()
        );
    }
}
