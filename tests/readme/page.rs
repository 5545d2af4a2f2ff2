//! The README or a page of the guide: its fences, its code spans, its links.

use std::fs;
use std::path::{Path, PathBuf};

/// What the command begins with that starts the server.
const SERVE: &str = "cargo run --release -- ";

/// The folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A Markdown file.
pub struct Page {
    /// Its path below the folder of the project.
    pub name: String,
    pub text: String,
    pub fences: Vec<Fence>,
}

/// A fenced block of code.
#[derive(Debug)]
pub struct Fence {
    /// The number of its first line, from one.
    pub line: usize,
    /// The words after the opening fence, which are separated by commas.
    pub info: String,
    pub text: String,
}

impl Fence {
    fn has(&self, word: &str) -> bool {
        self.info.split(',').any(|found| found == word)
    }

    /// Whether it is run in the page's shell.
    pub fn is_run(&self) -> bool {
        self.has("sh") && !self.has("no_run") && !self.text.starts_with(SERVE)
    }

    /// Whether it is not run and its names are checked.
    pub fn is_checked(&self) -> bool {
        self.has("sh") && self.has("no_run")
    }

    /// Whether it is run while the server is stopped.
    pub fn is_stopped(&self) -> bool {
        self.has("stopped")
    }

    fn is_output(&self) -> bool {
        self.has("json") || self.has("text")
    }
}

impl Page {
    pub fn readme() -> Self {
        Self::read("README.md".to_owned())
    }

    /// The pages of the guide, sorted by name.
    pub fn guide() -> Vec<Self> {
        let entries = fs::read_dir(root().join("src/guide")).expect("the guide is a folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name())
            .map(|name| format!("src/guide/{}", name.to_str().expect("a plain name")))
            .filter(|name| name.ends_with(".md"))
            .collect();
        names.sort();
        names.into_iter().map(Self::read).collect()
    }

    /// The README and the pages of the guide.
    pub fn all() -> Vec<Self> {
        let mut pages = vec![Self::readme()];
        pages.extend(Self::guide());
        pages
    }

    fn read(name: String) -> Self {
        let text = fs::read_to_string(root().join(&name)).expect("a page is readable");
        let fences = fences(&name, &text);
        Self { name, text, fences }
    }

    /// The name of its module in the crate documentation.
    pub fn stem(&self) -> &str {
        let path = Path::new(&self.name);
        path.file_stem()
            .and_then(|stem| stem.to_str())
            .expect("a page has a plain name")
    }

    /// The arguments of the command that starts the server: the page's own, or the README's.
    pub fn serve_arguments(&self) -> Vec<String> {
        let mut commands = self
            .fences
            .iter()
            .filter(|fence| fence.has("sh") && !fence.has("no_run"));
        match commands.find_map(|fence| fence.text.strip_prefix(SERVE)) {
            Some(arguments) => arguments.split_whitespace().map(str::to_owned).collect(),
            None if self.name == "README.md" => panic!("the README starts no server"),
            None => Self::readme().serve_arguments(),
        }
    }

    /// What a fence prints, according to the page: the next fence, if it is output.
    pub fn output_of(&self, fence: &Fence) -> &str {
        let next = self.fences.iter().find(|next| next.line > fence.line);
        match next.filter(|next| next.is_output()) {
            // A fence far below belongs to something else.
            Some(next) if next.line <= fence.line + fence.text.lines().count() + 5 => &next.text,
            _ => "",
        }
    }

    /// The lines outside of fences, with their numbers.
    fn prose(&self) -> impl Iterator<Item = (usize, &str)> {
        let mut is_fenced = false;
        self.text.lines().enumerate().filter_map(move |(at, line)| {
            let is_fence = line.trim_start().starts_with("```");
            is_fenced ^= is_fence;
            (!is_fence && !is_fenced).then_some((at + 1, line))
        })
    }

    /// What is between backticks outside of fences, with the numbers of its lines.
    pub fn code_spans(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose().flat_map(|(at, line)| {
            let spans = line.split('`').skip(1).step_by(2);
            spans.map(move |code| (at, code))
        })
    }

    /// The targets of the links and of the definitions at the end, with the numbers of their lines.
    pub fn links(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose().flat_map(|(at, line)| {
            let inline = line.split("](").skip(1).filter_map(|rest| {
                let (target, _) = rest.split_once(')')?;
                Some(target)
            });
            let definition = line
                .starts_with('[')
                .then(|| line.split_once("]: "))
                .flatten();
            let targets = inline.chain(definition.map(|(_, target)| target));
            targets.map(move |target| (at, target))
        })
    }

    /// Checks that the target of a link exists.
    pub fn check_link(&self, target: &str) -> Result<(), String> {
        let (file, heading) = target.split_once('#').unwrap_or((target, ""));
        let path = root().join(&self.name);
        let path = match file {
            "" => path,
            file => path.parent().expect("a page is in a folder").join(file),
        };
        let text = read(&path).ok_or_else(|| format!("there is no {target}"))?;
        let has_heading = || {
            let mut headings = text.lines().filter(|line| line.starts_with('#'));
            headings.any(|line| anchor(line) == heading)
        };
        if heading.is_empty() || has_heading() {
            return Ok(());
        }
        Err(format!("there is no heading {target}"))
    }
}

fn read(path: &PathBuf) -> Option<String> {
    fs::read_to_string(path).ok()
}

/// The name by which a link leads to a heading.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text.chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    });
    kept.collect()
}

fn fences(name: &str, text: &str) -> Vec<Fence> {
    let mut fences = Vec::new();
    let mut open: Option<(Fence, usize)> = None;
    for (at, line) in text.lines().enumerate() {
        let code = line.trim_start();
        match (&mut open, code.strip_prefix("```")) {
            (None, Some(info)) => {
                let fence = Fence {
                    line: at + 2,
                    info: info.to_owned(),
                    text: String::new(),
                };
                open = Some((fence, line.len() - code.len()));
            }
            (Some(_), Some("")) => fences.extend(open.take().map(|(fence, _)| fence)),
            (Some(_), Some(info)) => panic!("{name}:{}: {info} in a fence", at + 1),
            (Some((fence, indent)), None) => {
                fence.text += line.get(*indent..).unwrap_or_default();
                fence.text.push('\n');
            }
            (None, None) => {
                let begins = ["curl ", "cargo ", "$ "];
                let is_command = begins.iter().any(|begin| code.starts_with(begin));
                // Indented code has no language, so that rustdoc would take it for a test in Rust.
                let is_indented = line.starts_with("    ");
                assert!(
                    !is_command && !is_indented,
                    "{name}:{}: code is in no fence",
                    at + 1
                );
            }
        }
    }
    assert!(open.is_none(), "{name}: a fence is not closed");
    fences
}
