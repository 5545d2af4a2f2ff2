//! What a table is: a name, a kind of key, and for a journaled one how its records change.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use crate::error::Failure;

/// A key of exactly `N` bytes.
pub type Fixed<const N: usize> = &'static [u8; N];

/// A key that is text.
pub type Text = &'static str;

/// A key that is any bytes.
pub type Bytes = &'static [u8];

/// What the keys of a table are that is known only when a file is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyKind {
    /// [`Fixed`], of so many bytes.
    Fixed(usize),
    /// [`Bytes`].
    Bytes,
    /// [`Text`].
    Text,
}

/// A named, ordered map from keys to records.
pub struct Table<K> {
    /// The name in the file.
    pub name: &'static str,
    /// Whether its entries end with a checksum.
    pub is_checked: bool,
    /// Whether most look-ups find nothing. In another table, one that finds nothing fails as soon as a part of the
    /// table is known to be damaged.
    pub is_sparse: bool,
    keys: PhantomData<fn(K)>,
}

impl<K> Table<K> {
    /// The table of this name.
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            is_checked: true,
            is_sparse: false,
            keys: PhantomData,
        }
    }

    /// The table of this name, in which most look-ups find nothing.
    pub const fn sparse(name: &'static str) -> Self {
        Self {
            is_sparse: true,
            ..Self::new(name)
        }
    }

    /// The table of this name in a file of an earlier schema, whose entries have no checksums.
    pub const fn unchecked(name: &'static str) -> Self {
        Self {
            is_checked: false,
            ..Self::new(name)
        }
    }
}

/// A table whose records change often, each time in the same small part, the *delta*. A change is written to
/// the journal at once and into its record later; see [`crate::storage::journal`].
pub struct JournaledTable<const N: usize> {
    /// The table of the records.
    pub table: Table<Fixed<N>>,
    /// Names the table in the journal, for ever.
    pub tag: u8,
    /// From which byte of a key on it identifies its record by itself: no two keys have the same rest.
    pub identity: usize,
    /// How a delta changes a record.
    pub apply: Apply,
    /// The delta that would make a record from any earlier one of its row.
    pub delta: Delta,
    /// The memory for its rows is that of the settings, divided by this.
    pub cache_divisor: usize,
}

/// Appends to `changed` the record that `delta` makes of `record`.
pub type Apply = fn(record: &[u8], delta: &[u8], changed: &mut Vec<u8>) -> Result<(), Failure>;

/// The part of a record that deltas change, as a delta.
pub type Delta = fn(record: &[u8]) -> Result<Vec<u8>, Failure>;

/// What the journal and the cache need of a journaled table, whatever the size of its keys.
#[derive(Clone, Copy)]
pub struct RowFormat {
    /// The name of the table.
    pub table: &'static str,
    /// See [`JournaledTable::tag`].
    pub tag: u8,
    /// How many bytes a key has.
    pub key_bytes: usize,
    /// See [`JournaledTable::identity`].
    pub identity: usize,
    /// See [`JournaledTable::apply`].
    pub apply: Apply,
    /// See [`JournaledTable::delta`].
    pub delta: Delta,
    /// See [`JournaledTable::cache_divisor`].
    pub cache_divisor: usize,
}

impl<const N: usize> JournaledTable<N> {
    /// The format of the table's rows.
    pub const fn format(&self) -> RowFormat {
        assert!(N <= KEY_BYTES_MAX, "the key fits");
        RowFormat {
            table: self.table.name,
            tag: self.tag,
            key_bytes: N,
            identity: self.identity,
            apply: self.apply,
            delta: self.delta,
            cache_divisor: self.cache_divisor,
        }
    }

    /// The key of a row of this table.
    pub fn row_key(&self, key: &[u8; N]) -> RowKey {
        RowKey::new(self.tag, key).expect("the key fits")
    }
}

/// How many bytes the key of a journaled table may have.
pub const KEY_BYTES_MAX: usize = 30;

/// How many bytes a delta may have.
pub const DELTA_BYTES_MAX: usize = u8::MAX as usize;

/// A row of a journaled table: the table's tag and the key. Sorts by table, then like keys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    /// The tag, the length of the key, and the key.
    bytes: [u8; 2 + KEY_BYTES_MAX],
}

impl RowKey {
    /// The bytes as numbers that sort like them, since comparing numbers is faster.
    fn words(&self) -> [u128; 2] {
        let (low, high) = self.bytes.split_at(16);
        let word = |bytes: &[u8]| {
            let bytes = bytes.try_into().expect("half of the bytes are 16");
            u128::from_be_bytes(bytes)
        };
        [word(low), word(high)]
    }
}

impl Ord for RowKey {
    fn cmp(&self, other: &Self) -> Ordering {
        self.words().cmp(&other.words())
    }
}

impl PartialOrd for RowKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for RowKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [low, high] = self.words();
        state.write_u128(low);
        state.write_u128(high);
    }
}

impl RowKey {
    /// The row with this key in the table with this tag; `None` if the key is too long.
    pub fn new(tag: u8, key: &[u8]) -> Option<Self> {
        let mut bytes = [0; 2 + KEY_BYTES_MAX];
        bytes.get_mut(2..2 + key.len())?.copy_from_slice(key);
        bytes[0] = tag;
        bytes[1] = u8::try_from(key.len()).ok()?;
        Some(Self { bytes })
    }

    /// The tag of the row's table.
    pub fn tag(&self) -> u8 {
        self.bytes[0]
    }

    /// The key in its table.
    pub fn key(&self) -> &[u8] {
        &self.bytes[2..2 + usize::from(self.bytes[1])]
    }

    /// The key in its table, if it has `N` bytes.
    ///
    /// # Errors
    ///
    /// [`Failure::Internal`] if it has not.
    pub fn fixed<const N: usize>(&self) -> Result<&[u8; N], Failure> {
        let key = self.key().try_into();
        key.map_err(|_| Failure::Internal(format!("row {self:?} has a wrong length")))
    }
}

impl fmt::Debug for RowKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{:02x?}", self.tag(), self.key())
    }
}
