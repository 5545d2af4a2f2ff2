//! The text of a mail: HTML with the places of what differs from mail to mail.

/// The place of the link. A template must have one.
const LINK: &str = "{{link}}";

/// The place of the username.
const USERNAME: &str = "{{username}}";

/// The most bytes of a template.
pub const TEMPLATE_BYTES_MAX: usize = 256 << 10;

/// HTML with the places of a link and a username.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Template(Vec<Part>);

#[derive(Clone, PartialEq, Eq, Debug)]
enum Part {
    Html(String),
    Link,
    Username,
}

impl Template {
    /// The template that `text` is.
    ///
    /// # Errors
    ///
    /// What is wrong with it, for the person who wrote it: a place that there is not, none for the link, or too long a
    /// text.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > TEMPLATE_BYTES_MAX {
            return Err(format!("it has more than {TEMPLATE_BYTES_MAX} bytes"));
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(place) = rest.find("{{") {
            parts.push(Part::Html(rest[..place].to_owned()));
            rest = &rest[place..];
            let end = rest.find("}}").map(|end| end + 2);
            let name = end.map(|end| &rest[..end]);
            parts.push(match name {
                Some(LINK) => Part::Link,
                Some(USERNAME) => Part::Username,
                Some(_) | None => {
                    let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
                    return Err(format!(
                        "line {line} has {{{{ without link}}}} or username}}}} after it: the places are \
                         {LINK} and {USERNAME}"
                    ));
                }
            });
            rest = &rest[end.unwrap_or(rest.len())..];
        }
        parts.push(Part::Html(rest.to_owned()));
        if !parts.contains(&Part::Link) {
            return Err(format!("it has no {LINK}, the place of the link"));
        }
        Ok(Self(parts))
    }

    /// The text with this link and this username, both of which are escaped.
    pub fn render(&self, link: &str, username: &str) -> String {
        let mut html = String::new();
        for part in &self.0 {
            match part {
                Part::Html(text) => html.push_str(text),
                Part::Link => push_escaped(&mut html, link),
                Part::Username => push_escaped(&mut html, username),
            }
        }
        html
    }
}

/// Appends `text` so that it is text in HTML, also in an attribute.
fn push_escaped(html: &mut String, text: &str) {
    for char in text.chars() {
        match char {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            _ => html.push(char),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_with_text_that_is_escaped() {
        let template = Template::parse("{{username}}: <a href=\"{{link}}\">{{link}}</a> }} {");
        let html = template.map(|template| template.render("x?a=1&b=\"'", "<b>{{link}}</b>"));
        assert_eq!(
            html.as_deref(),
            Ok(
                "&lt;b&gt;{{link}}&lt;/b&gt;: <a href=\"x?a=1&amp;b=&quot;&#39;\">x?a=1&amp;b=&quot;&#39;</a> }} {"
            )
        );
    }

    #[test]
    fn what_is_wrong_with_a_template_is_reported() {
        let error = |text: &str| Template::parse(text).expect_err(text);
        assert_eq!(error("hello"), "it has no {{link}}, the place of the link");
        let places =
            "without link}} or username}} after it: the places are {{link}} and {{username}}";
        assert_eq!(
            error("{{link}}\n{{ link }}"),
            format!("line 2 has {{{{ {places}")
        );
        assert_eq!(error("{{link"), format!("line 1 has {{{{ {places}"));
        let long = "a".repeat(TEMPLATE_BYTES_MAX + 1);
        assert_eq!(error(&long), "it has more than 262144 bytes");
    }
}
