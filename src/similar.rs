//! The known name that a misspelled one most likely means.

/// A name that differs in more than one of so many of its letters means something else.
const LETTERS_PER_DIFFERENCE: usize = 3;

/// The one of `known` that is the most similar to `name`, whatever the case of their letters; `None` if none is
/// similar.
pub fn most_similar<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = name.to_ascii_lowercase();
    let differences =
        |known: &str| strsim::damerau_levenshtein(&lower, &known.to_ascii_lowercase());
    let measured = known
        .into_iter()
        .map(|known| (differences(known), known))
        .min_by_key(|(differences, _)| *differences);
    let (differences, known) = measured?;
    let differences_max = known.chars().count().div_ceil(LETTERS_PER_DIFFERENCE);
    (differences <= differences_max).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_that_is_meant_is_found() {
        let known = ["label", "token", "tenantName"];
        for (name, meant) in [
            ("lable", "label"),
            ("Token", "token"),
            ("token[]", "token"),
            ("tenant_name", "tenantName"),
        ] {
            assert_eq!(most_similar(name, known), Some(meant), "{name}");
        }
        assert_eq!(most_similar("password", known), None);
        assert_eq!(most_similar("", known), None);
        assert_eq!(most_similar("label", []), None);
    }
}
