//! Reading a seed file in a stream: once to check its schema, and each list once more to load it.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::marker::PhantomData;
use std::rc::Rc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::service::bootstrap::seed_error::SeedError;
use crate::service::bootstrap::seed_file::{Entry, List};

/// A seed file whose entries are of the schema, each by itself. None of them is in memory: they are read again when
/// they are loaded.
#[derive(Debug)]
pub struct SeedFile<R> {
    reader: R,
    /// Where in the file each list begins, in bytes.
    lists: Vec<(List, u64)>,
}

impl<R: Read + Seek> SeedFile<R> {
    /// Reads the whole file, and calls `look` with every entry.
    ///
    /// # Errors
    ///
    /// If it is not JSON, or not of this schema, with the path of the entry, the line and the column.
    pub fn check(mut reader: R, mut look: impl FnMut(&Entry)) -> Result<Self, SeedError> {
        let unreadable = |error: io::Error| SeedError::unreadable(&error);
        reader.rewind().map_err(unreadable)?;
        if first_byte(&mut reader).map_err(unreadable)? != Some(b'{') {
            // The library would take a list for the fields in their order.
            return Err(SeedError::at("line 1", "it is not a JSON object"));
        }
        reader.rewind().map_err(unreadable)?;
        let (counting, position) = CountingReader::new(&mut reader);
        let mut lists = Vec::new();
        let mut deserializer = serde_json::Deserializer::from_reader(counting);
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
        let seed = ListsSeed {
            position: &position,
            lists: &mut lists,
            each: &mut |_, entry| {
                look(&entry);
                true
            },
        };
        let read = seed.deserialize(tracked);
        read.map_err(|error| SeedError::of_json(&track.path().to_string(), &error))?;
        deserializer
            .end()
            .map_err(|error| SeedError::of_json("after the end", &error))?;
        Ok(Self { reader, lists })
    }

    /// Calls `each` with the entries of a list, as long as it returns true: the number of each, and how far the reader
    /// is, in bytes.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is not any more what it was.
    pub fn each(
        &mut self,
        list: List,
        mut each: impl FnMut(usize, u64, Entry) -> bool,
    ) -> Result<(), SeedError> {
        let Some((_, start)) = self.lists.iter().find(|(found, _)| *found == list) else {
            return Ok(());
        };
        let sought = self.reader.seek(SeekFrom::Start(*start));
        sought.map_err(|error| SeedError::unreadable(&error))?;
        let (counting, position) = CountingReader::new(&mut self.reader);
        let mut deserializer = serde_json::Deserializer::from_reader(counting);
        // Tracked as by `check`, so that this is the same code.
        let mut track = serde_path_to_error::Track::new();
        let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
        let mut goes_on = true;
        let seed = ListSeed {
            list,
            begins: &mut || (),
            each: &mut |index, entry| {
                goes_on = each(index, position.get(), entry);
                goes_on
            },
        };
        let read = seed.deserialize(tracked);
        match read {
            // The rest of the list is not read.
            Err(_) if !goes_on => Ok(()),
            read => read.map_err(|error| SeedError::of_json(list.name(), &error)),
        }
    }
}

fn first_byte(reader: &mut impl Read) -> io::Result<Option<u8>> {
    for byte in BufReader::new(reader).bytes() {
        let byte = byte?;
        if !byte.is_ascii_whitespace() {
            return Ok(Some(byte));
        }
    }
    Ok(None)
}

/// A reader that counts the bytes that were taken from it, and no more.
struct CountingReader<'r, R> {
    reader: BufReader<&'r mut R>,
    position: Rc<Cell<u64>>,
}

impl<'r, R: Read> CountingReader<'r, R> {
    fn new(reader: &'r mut R) -> (Self, Rc<Cell<u64>>) {
        let position = Rc::default();
        let counting = Self {
            reader: BufReader::with_capacity(READER_BYTES, reader),
            position: Rc::clone(&position),
        };
        (counting, position)
    }
}

/// How many bytes of the file are read at once.
const READER_BYTES: usize = 256 << 10;

impl<R: Read> Read for CountingReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.position.set(self.position.get() + count as u64);
        Ok(count)
    }
}

/// Is called with the number of an entry in its list, and returns whether to go on.
type EachEntry<'e> = dyn FnMut(usize, Entry) -> bool + 'e;

/// The file: an object of lists.
struct ListsSeed<'s, 'e> {
    position: &'s Cell<u64>,
    lists: &'s mut Vec<(List, u64)>,
    each: &'s mut EachEntry<'e>,
}

impl<'de> DeserializeSeed<'de> for ListsSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ListsSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        while let Some(list) = fields.next_key::<List>()? {
            if self.lists.iter().any(|(found, _)| *found == list) {
                return Err(A::Error::duplicate_field(list.name()));
            }
            let mut start = 0;
            fields.next_value_seed(ListSeed {
                list,
                begins: &mut || start = self.position.get().saturating_sub(1),
                each: &mut *self.each,
            })?;
            self.lists.push((list, start));
        }
        Ok(())
    }
}

/// A list of the file.
struct ListSeed<'s, 'e> {
    list: List,
    /// Is called when the bracket that begins it was read.
    begins: &'s mut dyn FnMut(),
    each: &'s mut EachEntry<'e>,
}

impl<'de> DeserializeSeed<'de> for ListSeed<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let Self { list, begins, each } = self;
        macro_rules! visitor {
            ($entry:ident) => {
                deserializer.deserialize_seq(EntriesVisitor {
                    begins,
                    each,
                    wrap: Entry::$entry,
                    entries: PhantomData,
                })
            };
        }
        match list {
            List::AccessToken => visitor!(AccessToken),
            List::Tenant => visitor!(Tenant),
            List::Profile => visitor!(Profile),
            List::PersistentLogin => visitor!(PersistentLogin),
            List::Ticket => visitor!(Ticket),
            List::VerificationToken => visitor!(VerificationToken),
        }
    }
}

struct EntriesVisitor<'s, 'e, E> {
    begins: &'s mut dyn FnMut(),
    each: &'s mut EachEntry<'e>,
    wrap: fn(E) -> Entry,
    entries: PhantomData<E>,
}

impl<'de, E: Deserialize<'de>> Visitor<'de> for EntriesVisitor<'_, '_, E> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        (self.begins)();
        let mut index = 0;
        while let Some(entry) = entries.next_element::<E>()? {
            if !(self.each)(index, (self.wrap)(entry)) {
                return Err(A::Error::custom("the rest of the list is not read"));
            }
            index += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn check(json: &str) -> Result<usize, SeedError> {
        let mut count = 0;
        SeedFile::check(Cursor::new(json.as_bytes()), |_| count += 1).map(|_| count)
    }

    fn refusal(json: &str) -> String {
        check(json).expect_err("the file is invalid").to_string()
    }

    #[test]
    fn every_list_is_optional() {
        assert_eq!(check("{}"), Ok(0));
    }

    #[test]
    fn each_list_is_read_again_wherever_it_is_in_the_file() {
        let json = r#" {"ticket":[], "profile" : [ {"username":"a","enabled":true,"tenant":"x"} ] ,
            "tenant":[{"name":"x"},{"name":"y"}]}"#;
        let mut file = SeedFile::check(Cursor::new(json.as_bytes()), |_| {}).expect("it is valid");
        for (list, expected) in [
            (List::Tenant, 2),
            (List::Profile, 1),
            (List::Ticket, 0),
            (List::PersistentLogin, 0),
        ] {
            let mut indexes = Vec::new();
            let each = |index, _, _| {
                indexes.push(index);
                true
            };
            file.each(list, each).expect("it was read");
            assert_eq!(indexes, Vec::from_iter(0..expected), "{list:?}");
        }
        let mut count = 0;
        let first = |_, _, _| {
            count += 1;
            false
        };
        file.each(List::Tenant, first)
            .expect("the rest is not read");
        assert_eq!(count, 1);
    }

    #[test]
    fn a_refusal_names_the_path_of_the_entry() {
        let text = refusal(r#"{"tenant":[{"name":"a"},{"name":7}]}"#);
        assert!(text.starts_with("tenant[1].name: "), "{text}");
        let text = refusal(r#"{"profile":[{"enable":true}]}"#);
        assert!(text.starts_with("profile[0]"), "{text}");
        assert!(refusal("{} {}").starts_with("after the end"));
        let text = refusal("[");
        assert_eq!(text, "line 1: it is not a JSON object");
    }
}
