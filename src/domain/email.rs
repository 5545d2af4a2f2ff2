//! Email addresses, as the wire contract has them ("Profiles, attributes, tenants"): RFC 822, but for a few lines of
//! it.

/// The longest email address that is accepted, in bytes.
pub const EMAIL_BYTES_MAX: usize = 1_024;

/// What ends a word of RFC 822 that is not quoted.
const SPECIALS: &str = "()<>@,;:\\\".[]";

/// An address, and the name that stands before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EmailAddress<'t> {
    /// The name as it is written, with its quotes; empty if there is none.
    pub name: &'t str,
    /// What is before the `@`.
    pub local: &'t str,
    /// What is behind it.
    pub domain: &'t str,
}

impl<'t> EmailAddress<'t> {
    /// The one address that `text` is: `local@domain`, alone, in angle brackets, or in such behind a name. Spaces
    /// around it are ignored. `None` for anything else.
    pub fn parse(text: &'t str) -> Option<Self> {
        let text = text.trim_matches(' ');
        if text.chars().any(char::is_control) {
            return None;
        }
        let (name, address) = match text.strip_suffix('>') {
            Some(text) => rsplit_unquoted(text, '<')?,
            None => ("", text),
        };
        let (local, domain) = rsplit_unquoted(address, '@')?;
        let is_valid = is_name(name) && is_local(local) && is_domain(domain);
        is_valid.then_some(Self {
            name: name.trim_matches(' '),
            local,
            domain,
        })
    }

    /// The name without the quotes of its words.
    pub fn plain_name(&self) -> String {
        let mut plain = String::with_capacity(self.name.len());
        let mut is_escaped = false;
        for char in self.name.chars() {
            match char {
                '"' | '\\' if !is_escaped => is_escaped = char == '\\',
                _ => {
                    plain.push(char);
                    is_escaped = false;
                }
            }
        }
        plain
    }
}

/// Whether `text` is one address, as [`EmailAddress::parse`] takes it.
pub fn is_valid(text: &str) -> bool {
    EmailAddress::parse(text).is_some()
}

/// Whether `text` may stand before an address in angle brackets: words, quoted or not, with spaces and dots between
/// them.
fn is_name(text: &str) -> bool {
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        rest = match char {
            '"' => match after_quoted(rest) {
                Some(rest) => rest,
                None => return false,
            },
            ' ' | '.' => &rest[1..],
            _ if is_atom_char(char) => &rest[char.len_utf8()..],
            _ => return false,
        };
    }
    true
}

/// The parts before and after the last `separator` of `text` that is not within quotes.
fn rsplit_unquoted(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut found = None;
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        if char == separator {
            found = Some(text.len() - rest.len());
        }
        rest = match char {
            '"' => after_quoted(rest)?,
            _ => &rest[char.len_utf8()..],
        };
    }
    let place = found?;
    Some((&text[..place], &text[place + separator.len_utf8()..]))
}

/// What follows the quoted word that `text` begins with; `None` if its end is missing.
fn after_quoted(text: &str) -> Option<&str> {
    let mut is_escaped = false;
    for (place, char) in text.char_indices().skip(1) {
        match char {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some(&text[place + 1..]),
            _ => {}
        }
    }
    None
}

/// Whether `text` is words, quoted or not, with a dot between any two.
fn is_local(text: &str) -> bool {
    let mut rest = text;
    loop {
        let after = match rest.chars().next() {
            Some('"') => after_quoted(rest),
            _ => after_atom(rest),
        };
        match after {
            Some("") => return true,
            Some(after) => match after.strip_prefix('.') {
                Some(next) => rest = next,
                None => return false,
            },
            None => return false,
        }
    }
}

/// What follows the unquoted word that `text` begins with; `None` if there is none.
fn after_atom(text: &str) -> Option<&str> {
    let end = text.find(|char| !is_atom_char(char)).unwrap_or(text.len());
    (end > 0).then(|| &text[end..])
}

fn is_atom_char(char: char) -> bool {
    !char.is_whitespace() && !char.is_control() && !SPECIALS.contains(char)
}

/// Whether `text` is labels with a dot between any two, or a literal as `[192.0.2.1]`.
fn is_domain(text: &str) -> bool {
    let literal = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    match literal {
        Some(literal) => {
            let is_literal_char = |char| is_atom_char(char) || char == ':' || char == '.';
            !literal.is_empty() && literal.chars().all(is_literal_char)
        }
        None => text.split('.').all(is_label),
    }
}

/// Whether `text` is a label of a domain: letters, digits, `-` and `_` in any order, and what is not ASCII.
fn is_label(text: &str) -> bool {
    let is_label_char = |char: char| match char.is_ascii() {
        true => char.is_ascii_alphanumeric() || char == '-' || char == '_',
        false => is_atom_char(char),
    };
    !text.is_empty() && text.chars().all(is_label_char)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_of_the_contract_are_accepted() {
        for text in [
            "a@b",
            "jdoe@example.com",
            " a@b ",
            "\"x y\"@z.w",
            "\"a@b\"@c.d",
            "\"a\\\"b\"@c",
            "\"a,b;c\\\\d\"@e.f",
            "a.\"b c\".d@e",
            "a@[1.2.3.4]",
            "a@[IPv6:::1]",
            "zoë@exämple.com",
            "名@例.jp",
            "Name <a@b.c>",
            "Jane Q. Doe <a@b.c>",
            "\"Doe, Jane\" <a@b.c>",
            "\"<\" <a@b.c>",
            "<a@b.c>",
            " <a@b.c> ",
            "a@b_c.d",
            "a@_b",
            "a@-b.c",
            "a+b!#$%&'*/=?^`{|}~-@c",
        ] {
            assert!(is_valid(text), "{text}");
        }
    }

    #[test]
    fn an_address_has_a_name_and_two_parts() {
        let address = EmailAddress::parse(" \"Doe, \\\"J\\\"\" Jr. <\"x@y\"@[::1]> ");
        let address = address.expect("an address");
        assert_eq!((address.local, address.domain), ("\"x@y\"", "[::1]"));
        assert_eq!(address.plain_name(), "Doe, \"J\" Jr.");
        let address = EmailAddress::parse("a@b").expect("an address");
        assert_eq!(
            (address.name, address.local, address.domain),
            ("", "a", "b")
        );
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            " ",
            "a",
            "@",
            "a@",
            "@b",
            "a@@b",
            "a@b@c",
            "a..b@c",
            ".a@b",
            "a.@b",
            "a@b..c",
            "a@.b",
            "a@b.",
            "a b@c",
            "a@b c",
            "a @b",
            "a@ b",
            "a\t@b",
            "\ta@b",
            "a@b\n",
            "a@b\r\nBcc: c@d",
            "a(b)@c",
            "a@b(c)",
            "(a)a@b",
            "a,b@c",
            "a@b,c@d",
            "a;b@c",
            "a@b;",
            "a\\b@c",
            "a@b\\c",
            "a:b@c",
            "a[b]@c",
            "\"a@b",
            "a\"b@c",
            "\"a\"b@c",
            "a@\"b\"",
            "a@[1.2.3.4",
            "a@1.2.3.4]",
            "a@[]",
            "a@[[1]]",
            "<>",
            "<a>",
            "<a@b",
            "a@b>",
            "<<a@b>>",
            "<a@b> c",
            "Name a@b",
            "A, B <a@b>",
            "A (B) <a@b>",
            "<a@b><c@d>",
            "Name <a@b>, <c@d>",
            "\"Name <a@b>",
            "a\u{A0}b@c",
            "\"a\nb\"@c",
        ] {
            assert!(!is_valid(text), "{text}");
        }
    }
}
