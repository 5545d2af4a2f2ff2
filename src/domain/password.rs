//! Passwords, and the hashes of them that are stored.

use std::fmt;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash as PhcHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The longest password, in bytes.
pub const PASSWORD_BYTES_MAX: usize = 1_024;

/// How many bytes of salt a new hash has.
pub const SALT_BYTES: usize = 16;

/// The most memory that one hash may take, in KiB.
pub const MEMORY_KIB_MAX: u32 = 256 << 10;

/// The most passes over that memory.
pub const PASSES_MAX: u32 = 100;

/// The most lanes of an imported hash; those of ours have one.
const LANES_MAX: u32 = 16;

/// How many bytes an argon2id hash of ours has.
const OUTPUT_BYTES: usize = 32;

/// How often the contract's hash is digested again.
const CONTRACT_ROUNDS: u32 = 1_000;

/// More memory than this, in blocks, glibc requests from the operating system for each allocation, and returns with it.
/// What is smaller may stay with the process after it was freed, for each thread that ever hashed. Memory that is
/// reserved and never written to takes none of the host's.
const MAPPED_BLOCKS: usize = 33 << 10;

/// A password as it was sent, byte by byte; nothing is normalized. `Debug` shows nothing.
#[derive(Clone)]
pub struct Password(Box<str>);

/// A password is longer than [`PASSWORD_BYTES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordTooLong;

impl Password {
    /// The password `text`, which may be empty.
    ///
    /// # Errors
    ///
    /// If it is too long.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, PasswordTooLong> {
        let text = text.into();
        if text.len() > PASSWORD_BYTES_MAX {
            return Err(PasswordTooLong);
        }
        Ok(Self(text))
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

impl fmt::Display for PasswordTooLong {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "is longer than {PASSWORD_BYTES_MAX} bytes")
    }
}

/// What an argon2id hash costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Argon2Cost {
    /// The memory that it fills, in KiB.
    pub memory_kib: u32,
    /// How often it passes over that memory.
    pub passes: u32,
    /// How many parts of the memory could be filled in parallel.
    pub lanes: u32,
}

impl Argon2Cost {
    /// What a hash costs that fills so much memory so often; `None` beyond the limits of this module or of argon2.
    pub fn new(memory_kib: u32, passes: u32) -> Option<Self> {
        let cost = Self {
            memory_kib,
            passes,
            lanes: 1,
        };
        cost.params(OUTPUT_BYTES).map(|_| cost)
    }

    fn params(self, output_bytes: usize) -> Option<Params> {
        let Self {
            memory_kib,
            passes,
            lanes,
        } = self;
        if memory_kib > MEMORY_KIB_MAX || passes > PASSES_MAX || lanes > LANES_MAX {
            return None;
        }
        Params::new(memory_kib, passes, lanes, Some(output_bytes)).ok()
    }
}

/// The memory in which argon2id hashes are computed, one after the other.
#[derive(Default)]
pub struct HashMemory {
    blocks: Vec<Block>,
    hashes: u64,
}

impl HashMemory {
    /// The number of argon2id hashes that were computed in it.
    pub fn hashes(&self) -> u64 {
        self.hashes
    }

    /// Gives the memory back to the operating system if it is more than one hash of this cost takes.
    pub fn release_beyond(&mut self, cost: Argon2Cost) {
        if self.blocks.len() > cost.memory_kib as usize {
            self.blocks = Vec::new();
        }
    }

    /// Writes the hash of `password` to `output`. Returns whether the parameters, of an imported hash perhaps, permit
    /// it.
    fn hash(
        &mut self,
        password: &Password,
        salt: &[u8],
        version: Version,
        params: Params,
        output: &mut [u8],
    ) -> bool {
        let blocks = params.block_count();
        if self.blocks.len() < blocks {
            // The old memory goes first.
            self.blocks = Vec::new();
            self.blocks.reserve_exact(blocks.max(MAPPED_BLOCKS));
            self.blocks.resize(blocks, Block::new());
        }
        self.hashes += 1;
        Argon2::new(Algorithm::Argon2id, version, params)
            .hash_password_into_with_memory(
                password.bytes(),
                salt,
                output,
                &mut self.blocks[..blocks],
            )
            .is_ok()
    }
}

/// The hash of a password: the wire contract's ("Expiry, lock-out, passwords"), or argon2id. `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The contract's: SHA-256 of the salt and the UTF-8 password, then SHA-256 of the result another 1,000 times.
    Contract { hash: [u8; 32], salt: [u8; 16] },
    /// As a PHC string, which is in its one normal form.
    Argon2id(Box<str>),
}

impl PasswordHash {
    /// The contract's hash and salt with these bytes.
    pub const fn new(hash: [u8; 32], salt: [u8; 16]) -> Self {
        Self(Form::Contract { hash, salt })
    }

    /// The contract's hash of `password`.
    pub fn contract(password: &Password, salt: [u8; SALT_BYTES]) -> Self {
        Self::new(contract_hash(password, &salt), salt)
    }

    /// The argon2id hash of `password`.
    pub fn argon2id(
        password: &Password,
        salt: [u8; SALT_BYTES],
        cost: Argon2Cost,
        memory: &mut HashMemory,
    ) -> Self {
        let params = cost
            .params(OUTPUT_BYTES)
            .expect("the cost was checked when it was made");
        let mut output = [0; OUTPUT_BYTES];
        let names = ParamsString::try_from(&params).expect("three numbers fit");
        let is_hashed = memory.hash(password, &salt, Version::V0x13, params, &mut output);
        assert!(is_hashed, "salt, password and output are of valid lengths");
        let hash = PhcHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: names,
            salt: Some(Salt::new(&salt).expect("16 bytes may be a salt")),
            hash: Some(Output::new(&output).expect("32 bytes may be a hash")),
        };
        Self(Form::Argon2id(hash.to_string().into()))
    }

    /// Parses `base64(h)|base64(salt)`, or an argon2id hash as a PHC string (`$argon2id$v=19$m=…,t=…,p=…$salt$hash`);
    /// `None` for anything else, and for a hash that costs more than the limits of this module.
    pub fn parse(text: &str) -> Option<Self> {
        if text.starts_with('$') {
            Argon2idHash::parse(text)?;
            return Some(Self(Form::Argon2id(text.into())));
        }
        let (hash, salt) = text.split_once('|')?;
        Some(Self::new(
            STANDARD.decode(hash).ok()?.try_into().ok()?,
            STANDARD.decode(salt).ok()?.try_into().ok()?,
        ))
    }

    /// As [`PasswordHash::parse`], for a text that it accepted before, which is not verified again: profiles are read
    /// far more often than passwords are compared.
    pub fn from_stored(text: &str) -> Option<Self> {
        if text.starts_with("$argon2id$") {
            return Some(Self(Form::Argon2id(text.into())));
        }
        Self::parse(text)
    }

    /// The text that [`PasswordHash::parse`] takes. It is a secret.
    pub fn to_text(&self) -> String {
        match &self.0 {
            Form::Contract { hash, salt } => {
                format!("{}|{}", STANDARD.encode(hash), STANDARD.encode(salt))
            }
            Form::Argon2id(text) => text.to_string(),
        }
    }

    /// What it costs; `None` for the contract's, which is cheap.
    pub fn cost(&self) -> Option<Argon2Cost> {
        match &self.0 {
            Form::Contract { .. } => None,
            Form::Argon2id(text) => Argon2idHash::parse(text).map(|hash| hash.cost),
        }
    }

    /// Whether it is the hash of `password`. Takes the same time whether it is or not.
    pub fn matches(&self, password: &Password, memory: &mut HashMemory) -> bool {
        match &self.0 {
            Form::Contract { hash, salt } => contract_hash(password, salt).ct_eq(hash).into(),
            Form::Argon2id(text) => {
                Argon2idHash::parse(text).is_some_and(|hash| hash.matches(password, memory))
            }
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(..)")
    }
}

fn contract_hash(password: &Password, salt: &[u8; 16]) -> [u8; 32] {
    let mut hash = Sha256::new()
        .chain_update(salt)
        .chain_update(password.bytes())
        .finalize();
    for _ in 0..CONTRACT_ROUNDS {
        hash = Sha256::digest(hash);
    }
    hash.into()
}

/// The parts of a PHC string.
struct Argon2idHash {
    cost: Argon2Cost,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl Argon2idHash {
    fn parse(text: &str) -> Option<Self> {
        let hash = PhcHash::new(text).ok()?;
        let stored = Params::try_from(&hash).ok()?;
        let output = hash.hash?;
        let cost = Argon2Cost {
            memory_kib: stored.m_cost(),
            passes: stored.t_cost(),
            lanes: stored.p_cost(),
        };
        let is_argon2id = hash.algorithm == ARGON2ID_IDENT;
        // They are not part of argon2 any more.
        let has_data = !stored.keyid().is_empty() || !stored.data().is_empty();
        if !is_argon2id || has_data || hash.to_string() != text {
            return None;
        }
        Some(Self {
            cost,
            version: Version::try_from(hash.version?).ok()?,
            params: cost.params(output.len())?,
            salt: hash.salt?,
            output,
        })
    }

    fn matches(self, password: &Password, memory: &mut HashMemory) -> bool {
        let mut output = vec![0; self.output.len()];
        let is_hashed = memory.hash(password, &self.salt, self.version, self.params, &mut output);
        is_hashed && bool::from(output.ct_eq(self.output.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(text).expect("it is short")
    }

    fn cheap() -> Argon2Cost {
        Argon2Cost::new(8, 1).expect("a valid cost")
    }

    #[test]
    fn parses_the_hash_formats_and_nothing_else() {
        let text = format!("{}|{}", STANDARD.encode([1; 32]), STANDARD.encode([2; 16]));
        let hash = PasswordHash::parse(&text).expect("the format is right");
        assert_eq!(hash, PasswordHash::new([1; 32], [2; 16]));
        assert_eq!(hash.to_text(), text);
        assert_eq!(format!("{hash:?}"), "PasswordHash(..)");
        let argon2id =
            PasswordHash::argon2id(&password("x"), [7; 16], cheap(), &mut HashMemory::default());
        let text = argon2id.to_text();
        assert!(text.starts_with("$argon2id$v=19$m=8,t=1,p=1$"), "{text}");
        assert_eq!(PasswordHash::parse(&text), Some(argon2id.clone()));
        assert_eq!(PasswordHash::from_stored(&text), Some(argon2id.clone()));
        assert_eq!(argon2id.cost(), Some(cheap()));
        assert_eq!(format!("{argon2id:?}"), "PasswordHash(..)");
        for bad in [
            "",
            "secret",
            "|",
            "AAAA|AAAA",
            "$",
            "$argon2id$",
            &text.replace("argon2id", "argon2i"),
            &text.replace("v=19$", ""),
            &text.replace("v=19", "v=20"),
            &text.replace("t=1", "t=0"),
            &text.replace("t=1", "t=101"),
            &text.replace("m=8", "m=7"),
            &text.replace("m=8", "m=262145"),
            &text.replace("p=1", "p=1,data=AAAA"),
            &text.replace("p=1", "p=17"),
            &text[..text.len() - 44],
        ] {
            assert_eq!(PasswordHash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_contract_hash_is_of_its_password_alone() {
        // Computed with another implementation of SHA-256: sixteen bytes 2, then `paßword`.
        let text = "XLapcRt9gx7P9nObQ3800tZ2QxcvXgrbBgTE0RR5na8=|AgICAgICAgICAgICAgICAg==";
        let hash = PasswordHash::parse(text).expect("a valid hash");
        assert_eq!(PasswordHash::contract(&password("paßword"), [2; 16]), hash);
        let mut memory = HashMemory::default();
        assert!(hash.matches(&password("paßword"), &mut memory));
        for wrong in ["", "paßwor", "paßword ", "Paßword", "password"] {
            assert!(!hash.matches(&password(wrong), &mut memory), "{wrong}");
        }
        assert_eq!(memory.hashes(), 0);
    }

    #[test]
    fn an_argon2id_hash_is_of_its_password_alone_whatever_was_in_the_memory() {
        // Of the tests of the reference implementation: `password` with the salt `somesalt`.
        let known = [
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ];
        let mut memory = HashMemory::default();
        for _ in 0..2 {
            for text in known {
                let hash = PasswordHash::parse(text).expect("a valid hash");
                assert!(hash.matches(&password("password"), &mut memory), "{text}");
                assert!(!hash.matches(&password("passwore"), &mut memory), "{text}");
            }
        }
        assert_eq!(memory.hashes(), 8);
    }

    #[test]
    fn memory_beyond_a_cost_is_released() {
        let mut memory = HashMemory::default();
        let large = Argon2Cost::new(64, 1).expect("a valid cost");
        PasswordHash::argon2id(&password("x"), [0; 16], large, &mut memory);
        memory.release_beyond(large);
        assert_eq!(memory.blocks.len(), 64);
        memory.release_beyond(cheap());
        assert_eq!(memory.blocks.capacity(), 0);
    }

    #[test]
    fn a_password_has_at_most_1024_bytes_and_shows_nothing() {
        assert!(Password::new("x".repeat(1_024)).is_ok());
        assert_eq!(Password::new("ü".repeat(513)).err(), Some(PasswordTooLong));
        assert_eq!(format!("{:?}", password("secret")), "Password(..)");
    }
}
