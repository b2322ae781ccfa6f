//! Members of a cassette that this version does not know: kept as they were written, never read.

/// Unknown members, each with the place where it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unknown {
    members: Vec<Member>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Member {
    within: String,
    name: String,
    value: String,
}

impl Unknown {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Adds the member with that key and value, both JSON text, to the object that the pointer
    /// `within` leads to.
    pub(super) fn keep(&mut self, within: &str, name: String, value: String) {
        self.members.push(Member {
            within: within.to_owned(),
            name,
            value,
        });
    }

    /// Adds the members of another list behind its own.
    pub(super) fn append(&mut self, mut other: Unknown) {
        self.members.append(&mut other.members);
    }

    /// The members of one object, in the order of the file.
    pub(super) fn of(&self, within: &str) -> impl Iterator<Item = (&str, &str)> {
        self.members
            .iter()
            .filter(move |member| member.within == within)
            .map(|member| (member.name.as_str(), member.value.as_str()))
    }
}
