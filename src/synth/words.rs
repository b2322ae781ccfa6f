//! Names of shapes and members, taken apart.

/// `ServiceInstance`, `serviceInstance`, `service_instance` → `service-instance`; `ARNList` →
/// `arn-list`.
pub(super) fn kebab(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, &letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !out.ends_with('-') {
                out.push('-');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let starts_word = letter.is_ascii_uppercase()
            && before.is_some_and(|before| !before.is_ascii_uppercase() || after.is_some_and(char::is_ascii_lowercase));
        if starts_word && !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out.trim_matches('-').to_owned()
}

/// The resource that a structure describes: its name without `Detail`, `Summary` and the like.
pub(super) fn resource(shape: &str) -> &str {
    const WRAPPINGS: [&str; 8] = [
        "Details",
        "Detail",
        "Summary",
        "Description",
        "Response",
        "Output",
        "Result",
        "Info",
    ];
    WRAPPINGS
        .iter()
        .find_map(|wrapping| shape.strip_suffix(wrapping))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(shape)
}

/// The first letters of a name's words: `ProvisioningArtifact` → `pa`.
pub(super) fn initials(name: &str) -> String {
    kebab(name).split('-').filter_map(|word| word.chars().next()).collect()
}

/// Whether a name, letter case aside, ends with a word: `serviceInstanceArn` with `arn`, but not
/// `warn` with it, nor `paid` with `id`.
pub(super) fn ends_with_word(name: &str, word: &str) -> bool {
    kebab(name).split('-').next_back() == Some(word)
}

/// Whether a name has a word of which `part` is the beginning: `createdAt` has `creat`.
pub(super) fn has_word(name: &str, part: &str) -> bool {
    kebab(name).split('-').any(|word| word.starts_with(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_apart_at_their_capitals() {
        assert_eq!(kebab("ServiceInstance"), "service-instance");
        assert_eq!(kebab("ARNList"), "arn-list");
        assert_eq!(kebab("snake_case"), "snake-case");
        assert_eq!(initials("ProvisioningArtifact"), "pa");
        assert_eq!(resource("ProvisioningArtifactDetail"), "ProvisioningArtifact");
        assert_eq!(resource("Output"), "Output");
    }

    #[test]
    fn a_word_is_more_than_its_letters() {
        assert!(ends_with_word("serviceInstanceArn", "arn"));
        assert!(ends_with_word("ProductId", "id"));
        assert!(!ends_with_word("paid", "id"));
        assert!(has_word("lastDeploymentAttemptedAt", "attempt"));
        assert!(!has_word("warning", "arn"));
    }
}
