//! The files of the access tokens that the server generated: the id is there until it was used once, because nothing
//! else has it, and whoever started the server may not have seen what was printed.

use std::path::PathBuf;

use crate::app::App;
use crate::domain::access_token::AccessTokenId;
use crate::error::Failure;
use crate::storage::data_dir::DataDirectory;
use crate::storage::data_dir::secret_file::SecretFile;
use crate::tables::access_token::{self, DigestedId};

/// What the name of each file begins with.
pub const PREFIX: &str = "access-token.";

/// How many characters of the application's name are in that of the file.
const NAME_CHARS_MAX: usize = 40;

/// An access token whose id was generated.
#[derive(Clone, Debug)]
pub struct GeneratedToken {
    /// The application that it is issued to.
    pub application: String,
    /// The id.
    pub id: AccessTokenId,
}

/// An access token whose id nobody has used yet.
pub struct UnusedToken {
    /// The application that it is issued to.
    pub application: String,
    /// The id.
    pub id: AccessTokenId,
    /// The file that has the id until it is used.
    pub path: PathBuf,
}

/// Writes a file for each of `tokens` after the first `kept`, durably: before the transaction that creates them, so
/// that none is lost. The first ones have theirs.
///
/// # Errors
///
/// Failures of the storage.
pub fn write(
    directory: &DataDirectory,
    tokens: &[GeneratedToken],
    kept: usize,
) -> Result<(), Failure> {
    for (name, token) in names(tokens).iter().zip(tokens).skip(kept) {
        directory.write_secret(name, token.id.reveal())?;
    }
    Ok(())
}

/// Removes the files of access tokens of a database that was not finished.
///
/// # Errors
///
/// Failures of the storage.
pub fn remove_all(directory: &DataDirectory) -> Result<(), Failure> {
    directory.remove_secret_files(PREFIX)
}

/// Has each file removed once its access token is used. Returns the tokens.
///
/// # Errors
///
/// Failures of the storage.
pub fn watch(app: &App, directory: &DataDirectory) -> Result<Vec<UnusedToken>, Failure> {
    let mut unused = Vec::new();
    let mut files = Vec::new();
    for file in directory.secret_files(PREFIX)? {
        match find(app, &file)? {
            Some(token) => {
                unused.push(token);
                files.push(file);
            }
            None => {
                let path = file.path.display();
                tracing::warn!(%path, "the database has no such access token; remove the file");
            }
        }
    }
    app.unused_tokens.set(files);
    Ok(unused)
}

/// The access token in the file, if the database has it.
fn find(app: &App, file: &SecretFile) -> Result<Option<UnusedToken>, Failure> {
    let Some(id) = AccessTokenId::new(file.reveal()) else {
        return Ok(None);
    };
    let id = DigestedId::new(id);
    let found = app.store.read(|txn| access_token::get(txn, &id))?;
    Ok(found.map(|token| UnusedToken {
        application: token.application.clone(),
        id: id.id,
        path: file.path.clone(),
    }))
}

/// The names of the files: by the application, and a number if it has several.
fn names(tokens: &[GeneratedToken]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for token in tokens {
        let name = format!("{PREFIX}{}", plain(&token.application));
        let numbered = (2..).map(|number| format!("{name}.{number}"));
        let free = [name.clone()].into_iter().chain(numbered);
        names.extend(free.into_iter().find(|name| !names.contains(name)));
    }
    names
}

/// The text as a part of a file's name.
fn plain(text: &str) -> String {
    let plain = |letter: char| match letter {
        '-' | '_' => letter,
        letter if letter.is_ascii_alphanumeric() => letter,
        _ => '_',
    };
    let plain: String = text.chars().take(NAME_CHARS_MAX).map(plain).collect();
    if plain.is_empty() {
        return "_".to_owned();
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_a_file_of_its_own_that_names_its_application() {
        let token = |application: &str| GeneratedToken {
            application: application.to_owned(),
            id: AccessTokenId::random([7; 32]),
        };
        let long = "x".repeat(1_000);
        let applications = ["shop", "shop", "../../shop 2", "", "shop.2", &long];
        let expected = [
            "access-token.shop",
            "access-token.shop.2",
            "access-token.______shop_2",
            "access-token._",
            "access-token.shop_2",
            &format!("access-token.{}", &long[..NAME_CHARS_MAX]),
        ];
        assert_eq!(names(&applications.map(token)), expected);
    }
}
