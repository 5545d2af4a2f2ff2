//! The management token: who has it may see the state of the process.

use std::fmt;

use subtle::ConstantTimeEq as _;

/// The fewest bytes of a token: a shorter one can be guessed.
pub const TOKEN_BYTES_MIN: usize = 16;

/// The most bytes of a token: a longer one is another file.
pub const TOKEN_BYTES_MAX: usize = 1_024;

/// The secret. `Debug` shows nothing.
pub struct ManagementToken(Box<str>);

impl ManagementToken {
    /// The token, without white space around it.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without the token.
    pub fn new(text: &str) -> Result<Self, String> {
        let token = text.trim();
        match token.len() {
            0..TOKEN_BYTES_MIN => Err(format!(
                "its first line is the management token, and must have {TOKEN_BYTES_MIN} bytes at least"
            )),
            TOKEN_BYTES_MIN..=TOKEN_BYTES_MAX => Ok(Self(token.into())),
            _ => Err(format!(
                "its first line is the management token, and must have {TOKEN_BYTES_MAX} bytes at most"
            )),
        }
    }

    /// Whether `text` is the token, compared in constant time for its length.
    pub fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for ManagementToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ManagementToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_around_a_token_does_not_belong_to_it() {
        for text in ["0123456789abcdef", "  0123456789abcdef\t"] {
            let token = ManagementToken::new(text).expect("a token");
            assert!(token.is("0123456789abcdef"));
            assert!(
                !token.is("0123456789abcdeF") && !token.is("") && !token.is("0123456789abcdef0")
            );
            assert_eq!(format!("{token:?}"), "ManagementToken(..)");
        }
        let long = "x".repeat(TOKEN_BYTES_MAX + 1);
        for text in ["", "0123456789abcde", &long] {
            let refused = ManagementToken::new(text).expect_err("no token");
            assert!(!refused.contains("0123456789"), "{refused}");
        }
    }
}
