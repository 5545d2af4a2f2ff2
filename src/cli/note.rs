//! What stands below the arguments in the help of a command, and in sections of its manual page.

/// What the part of a note begins with that has the exit codes.
const EXIT_CODES: &str = "Exit code: ";

/// The line before the examples.
const EXAMPLES: &str = "Examples:";

/// A part of a note.
#[derive(PartialEq, Eq, Debug)]
pub enum Part {
    /// A paragraph, in one line.
    Paragraph(String),
    /// What each exit code means, in one line.
    ExitCodes(String),
    /// Command lines.
    Examples(Vec<String>),
}

/// The parts of a note. In its text, lines are as long as they are in the source. An empty line ends a paragraph or the
/// exit codes; the examples are last.
pub fn parts(note: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut is_begun = false;
    for line in note.lines() {
        match (line.strip_prefix(EXIT_CODES), parts.last_mut()) {
            (Some(codes), _) => parts.push(Part::ExitCodes(codes.to_owned())),
            (None, _) if line.is_empty() => {}
            (None, _) if line == EXAMPLES => parts.push(Part::Examples(Vec::new())),
            (None, Some(Part::Examples(lines))) => lines.push(line.trim().to_owned()),
            (None, Some(Part::Paragraph(text) | Part::ExitCodes(text))) if is_begun => {
                text.push(' ');
                text.push_str(line);
            }
            (None, _) => parts.push(Part::Paragraph(line.to_owned())),
        }
        is_begun = !line.is_empty();
    }
    parts
}

/// The note with each paragraph in one line, which the help wraps at the width of the terminal.
pub fn unwrapped(note: &str) -> String {
    let parts = parts(note).into_iter().map(|part| match part {
        Part::Paragraph(text) => text,
        Part::ExitCodes(text) => EXIT_CODES.to_owned() + &text,
        Part::Examples(lines) => {
            let lines = lines.iter().map(|line| format!("\n  {line}"));
            EXAMPLES.to_owned() + &lines.collect::<String>()
        }
    });
    parts.collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTE: &str = "\
One sentence
and another one.
Exit code: 0 if it is so,
1 if it is not.

A paragraph.

Examples:
  one
  another --flag";

    #[test]
    fn a_note_has_paragraphs_exit_codes_and_examples() {
        let expected = [
            Part::Paragraph("One sentence and another one.".to_owned()),
            Part::ExitCodes("0 if it is so, 1 if it is not.".to_owned()),
            Part::Paragraph("A paragraph.".to_owned()),
            Part::Examples(vec!["one".to_owned(), "another --flag".to_owned()]),
        ];
        assert_eq!(parts(NOTE), expected);
        assert_eq!(parts(""), []);
        let text = unwrapped(NOTE);
        assert_eq!(
            text,
            "One sentence and another one.\n\nExit code: 0 if it is so, 1 if it is not.\n\nA paragraph.\n\n\
             Examples:\n  one\n  another --flag"
        );
        assert_eq!(parts(&text), expected);
    }
}
