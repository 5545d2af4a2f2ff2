//! Settings that cannot be used, and the files that settings name.

use std::io::Read;
use std::path::Path;

use crate::error::describe;
use crate::storage::regular_file;

/// The most bytes of a file that a setting names. All the authorities of a system take a few hundred KiB.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// A setting that cannot be used.
#[derive(PartialEq, Eq, Debug)]
pub struct SettingError {
    /// The field name of the setting.
    pub setting: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong, for the person who wrote it.
    pub cause: String,
}

/// The text of a file that a setting names.
///
/// # Errors
///
/// The setting, if there is no such text.
pub fn read_text(setting: &'static str, path: &Path) -> Result<String, SettingError> {
    let bytes = with_setting(setting, path, read(path))?;
    with_setting(
        setting,
        path,
        String::from_utf8(bytes).map_err(|_| "it is not UTF-8"),
    )
}

/// The content of a file that a setting names.
///
/// # Errors
///
/// Why it cannot be read, or that it is large.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let file = regular_file::open(path).map_err(|error| describe(&error))?;
    let read = file.take(FILE_BYTES_MAX + 1).read_to_end(&mut content);
    read.map_err(|error| describe(&error))?;
    if content.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("it has more than {FILE_BYTES_MAX} bytes"));
    }
    Ok(content)
}

/// `result` with the setting whose value, a file, is the reason of an error.
///
/// # Errors
///
/// That of `result`.
pub fn with_setting<T>(
    setting: &'static str,
    file: &Path,
    result: Result<T, impl ToString>,
) -> Result<T, SettingError> {
    result.map_err(|cause| SettingError {
        setting,
        value: file.display().to_string(),
        cause: cause.to_string(),
    })
}
