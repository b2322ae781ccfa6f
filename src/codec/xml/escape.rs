//! Text as XML writes it (XML 1.0, sections 2.4 and 2.11).

/// Text as the content of an element. A carriage return is written as a reference, since a reader
/// makes a line feed of it otherwise.
pub fn content(text: &str) -> String {
    escaped(text, false)
}

/// Text as the value of an attribute, in which a reader makes blanks of plain line ends and tabs.
pub fn attribute(text: &str) -> String {
    escaped(text, true)
}

/// Whether XML has a way to write every character.
pub fn is_writable(text: &str) -> bool {
    let is_unknown = |character| matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    !text.contains(is_unknown)
}

fn escaped(text: &str, attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' if attribute => out.push_str("&quot;"),
            '\'' if attribute => out.push_str("&apos;"),
            '\n' if attribute => out.push_str("&#xA;"),
            '\t' if attribute => out.push_str("&#x9;"),
            '\r' => out.push_str("&#xD;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reader_would_take_otherwise_is_a_reference() {
        assert_eq!(content("a<&>\"'\r\n\t"), "a&lt;&amp;&gt;\"'&#xD;\n\t");
        assert_eq!(attribute("a<&>\"'\r\n\t"), "a&lt;&amp;&gt;&quot;&apos;&#xD;&#xA;&#x9;");
    }

    #[test]
    fn some_characters_cannot_be_written_at_all() {
        assert!(is_writable("é\r\n\t"));
        assert!(!is_writable("\u{1}") && !is_writable("\u{ffff}"));
    }
}
