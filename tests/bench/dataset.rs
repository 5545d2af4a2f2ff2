//! The logins of a run, computable from a seed: the load needs no list of ids, only the seed and how many there are.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::str;

/// A phone and a laptop.
const LOGINS_PER_PROFILE: u64 = 2;

/// The first logins are all of one profile, whose list is measured.
pub const LARGE_PROFILE_LOGINS: u64 = 1_000;

#[derive(Clone, Copy)]
pub struct Dataset {
    pub seed: u64,
    pub logins: u64,
}

/// A version 4 UUID as text, which is the only form in which the benchmark uses one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Uuid([u8; Uuid::LEN]);

/// SplitMix64 (Steele, Lea, Flood 2014): small, and good enough to pick logins.
pub struct Random(u64);

/// Keeps the ids of different kinds apart though they come from one seed.
#[derive(Clone, Copy)]
enum Lane {
    AccessToken = 1,
    Login,
    Token,
    Profile,
}

impl Dataset {
    pub fn access_token(&self) -> Uuid {
        self.uuid(Lane::AccessToken, 0)
    }

    pub fn login_id(&self, index: u64) -> Uuid {
        self.uuid(Lane::Login, index)
    }

    /// The token that the login has before its first refresh.
    pub fn first_token(&self, index: u64) -> Uuid {
        self.uuid(Lane::Token, index)
    }

    /// 24 hexadecimal digits.
    pub fn profile_id(&self, login_index: u64) -> String {
        let index = match login_index {
            ..LARGE_PROFILE_LOGINS => 0,
            _ => login_index / LOGINS_PER_PROFILE,
        };
        self.profile_of(index)
    }

    fn profile_of(&self, index: u64) -> String {
        let digits = format!("{:032x}", self.bits(Lane::Profile, index));
        digits[..24].to_owned()
    }

    /// Writes what `--seed` of the server takes: one access token that may do everything, one tenant, the profiles and
    /// their logins.
    pub fn write_seed_file(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        write!(
            out,
            concat!(
                r#"{{"accesstoken":[{{"_id":"{}","application":"bench","master":true,"#,
                r#""tenantPermissions":[{{"tenant":"*","allowedActions":["*"]}}],"expiresOn":null}}],"#,
                r#""tenant":[{{"name":"default","verifyNewProfiles":false,"availableRoles":[],"#,
                r#""attributeDefinitions":[]}}],"profile":["#
            ),
            self.access_token().as_str()
        )?;
        for index in (0..self.logins).step_by(LOGINS_PER_PROFILE as usize) {
            write!(
                out,
                concat!(
                    r#"{}{{"_id":"{}","username":"u{number}","password":null,"#,
                    r#""email":"u{number}@example.com","verified":true,"enabled":true,"#,
                    r#""tenant":"default","roles":[],"attributes":{{}}}}"#
                ),
                separator(index),
                self.profile_of(index / LOGINS_PER_PROFILE),
                number = index / LOGINS_PER_PROFILE
            )?;
        }
        write!(out, r#"],"persistentlogin":["#)?;
        for index in 0..self.logins {
            write!(
                out,
                r#"{}{{"_id":"{}","tenant":"default","profileId":"{}","token":"{}"}}"#,
                separator(index),
                self.login_id(index).as_str(),
                self.profile_id(index),
                self.first_token(index).as_str()
            )?;
        }
        writeln!(out, "]}}")?;
        out.flush()
    }

    fn uuid(&self, lane: Lane, index: u64) -> Uuid {
        Uuid::from_bits(self.bits(lane, index))
    }

    fn bits(&self, lane: Lane, index: u64) -> u128 {
        let mut random = Random(mix(mix(self.seed ^ lane as u64).wrapping_add(index)));
        random.bits()
    }
}

impl Uuid {
    pub const LEN: usize = 36;

    pub fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("hexadecimal digits and hyphens are ASCII")
    }

    /// The UUID of these 36 bytes.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        text.try_into().ok().map(Self)
    }

    fn from_bits(random: u128) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let versioned = random & !(0xf << 76) & !(0x3 << 62) | 0x4 << 76 | 0x2 << 62;
        let mut text = [b'-'; Self::LEN];
        let mut nibbles_left = 32;
        for (at, place) in text.iter_mut().enumerate() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                nibbles_left -= 1;
                *place = DIGITS[(versioned >> (4 * nibbles_left)) as usize & 0xf];
            }
        }
        Self(text)
    }
}

impl Random {
    /// Each stream of a seed is a sequence of its own.
    pub fn new(seed: u64, stream: u64) -> Self {
        Self(mix(seed).wrapping_add(mix(!stream)))
    }

    /// Evenly from `0..limit`; the bias of at most `limit / 2^64` does not matter here.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    pub fn uuid(&mut self) -> Uuid {
        Uuid::from_bits(self.bits())
    }

    fn bits(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }
}

/// The output function of SplitMix64, a bijection.
fn mix(state: u64) -> u64 {
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

fn separator(index: u64) -> &'static str {
    if index == 0 { "" } else { "," }
}
