//! JSON pointers (RFC 6901): how every path in Ferrotape is written.

use std::borrow::Cow;
use std::fmt::Write;

/// A path that grows on the call stack while a document is walked, and is only rendered when
/// there is something to say about a place. The root is the empty pointer.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Name(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The whole document.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// The member, or map entry, `name` of this place.
    pub fn name<'b>(&'b self, name: &'b str) -> Path<'b> {
        Path {
            parent: Some(self),
            step: Step::Name(name),
        }
    }

    /// The list item `index` (from 0) of this place.
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    /// Whether it is the whole document.
    pub fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    /// Whether it is the member `name` of the whole document.
    pub fn is_member(&self, name: &str) -> bool {
        matches!(self.step, Step::Name(own) if own == name) && self.parent.is_some_and(Path::is_root)
    }

    /// The pointer as text, `/tags/0/key`; the root is the empty string.
    pub fn render(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The names and indices to this place, unescaped.
    pub fn steps(&self) -> Vec<Cow<'a, str>> {
        let mut steps = match self.parent {
            Some(parent) => parent.steps(),
            None => Vec::new(),
        };
        match self.step {
            Step::Root => {}
            Step::Name(name) => steps.push(Cow::Borrowed(name)),
            Step::Index(index) => steps.push(Cow::Owned(index.to_string())),
        }
        steps
    }

    /// The pointer for any such place: `/tags/*/key`.
    pub fn render_any(&self) -> String {
        let before = self.parent.map(Path::render_any).unwrap_or_default();
        match self.step {
            Step::Root => before,
            Step::Index(_) => before + "/*",
            Step::Name(name) => before + &Path::ROOT.name(name).render(),
        }
    }

    fn write(&self, out: &mut String) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        match self.step {
            Step::Root => {}
            Step::Name(name) => {
                out.push('/');
                escape_into(name, out);
            }
            Step::Index(index) => {
                let _ = write!(out, "/{index}");
            }
        }
    }
}

/// Escapes one reference token: `~` as `~0`, `/` as `~1`.
pub fn escape_into(token: &str, out: &mut String) {
    if !token.bytes().any(|byte| matches!(byte, b'~' | b'/')) {
        return out.push_str(token);
    }
    for character in token.chars() {
        match character {
            '~' => out.push_str("~0"),
            '/' => out.push_str("~1"),
            other => out.push(other),
        }
    }
}

/// The unescaped reference tokens of a pointer; none for the root.
pub fn tokens(pointer: &str) -> impl Iterator<Item = String> + '_ {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_renders_as_a_pointer_with_escapes() {
        let root = Path::ROOT;
        let tags = root.name("tags");
        let first = tags.index(0);
        assert_eq!(first.name("a/b~c").render(), "/tags/0/a~1b~0c");
        assert_eq!(first.name("a/b~c").steps(), ["tags", "0", "a/b~c"]);
        assert_eq!(first.name("a/b~c").render_any(), "/tags/*/a~1b~0c");
        assert_eq!(root.render(), "");
        assert_eq!(tokens("/tags/0/a~1b~0c").collect::<Vec<_>>(), ["tags", "0", "a/b~c"]);
        assert_eq!(tokens("").count(), 0);
    }
}
