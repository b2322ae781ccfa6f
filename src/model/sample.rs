//! Texts that obey a pattern and a length, made up from a seed: what stands in for a secret, and
//! what a synthesised message says.
//!
//! The same seed gives the same text. Plain letters and digits are preferred wherever the pattern
//! leaves a choice.

use super::pattern::{Matched, Pattern};
use super::schema::Length;
use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Repetition};

/// Texts that are tried before giving up.
const TRIES: u32 = 64;

/// Characters of a text that nothing constrains.
const PLAIN_LENGTH: u64 = 32;

/// No sample is made longer than this, whatever the model asks for.
const LONGEST: u64 = 1 << 20;

/// A reproducible source of choices: the extendable output of BLAKE3 over some bytes.
pub struct Seed(blake3::OutputReader);

impl Seed {
    /// Begins at these bytes; use a keyed hash of a secret, never the secret.
    pub fn new(bytes: &[u8]) -> Seed {
        let mut hasher = blake3::Hasher::new();
        hasher.update(bytes);
        Seed(hasher.finalize_xof())
    }

    /// A number below `n`, and 0 below 0.
    pub fn next_below(&mut self, n: u64) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        // Multiply and shift: no modulo bias that could be seen.
        ((u128::from(u64::from_le_bytes(bytes)) * u128::from(n)) >> 64) as u64
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.next_below(from.len() as u64) as usize)
    }
}

/// A text that obeys both constraints, or `None` where none was found in a bounded number of tries.
pub fn text(pattern: Option<&Pattern>, length: Option<Length>, seed: &mut Seed) -> Option<String> {
    let min = length.and_then(|length| length.min).unwrap_or(0);
    let max = length.and_then(|length| length.max).unwrap_or(LONGEST).min(LONGEST);
    if min > max {
        return None;
    }
    let Some(pattern) = pattern else {
        return Some(hexadecimal(PLAIN_LENGTH.clamp(min, max), seed));
    };
    let structure = pattern.structure()?;
    let mut extra = 0;
    for attempt in 0..TRIES {
        let mut sampler = Sampler {
            seed,
            out: String::new(),
            extra,
            // The first tries are readable; later ones are as short as can be, then anything.
            generous: attempt < TRIES / 2,
            room: max,
        };
        sampler.walk(&structure);
        let mut sample = sampler.out;
        let count = sample.chars().count() as u64;
        if count > max {
            extra = extra.saturating_sub(count - max);
            continue;
        }
        if count < min {
            extra += min - count;
            // A pattern that is not anchored leaves the rest of the text free.
            sample.push_str(&hexadecimal(min - count, seed));
        }
        if pattern.matches(&sample) == Matched::Yes {
            return Some(sample);
        }
    }
    None
}

fn hexadecimal(count: u64, seed: &mut Seed) -> String {
    (0..count)
        .filter_map(|_| char::from_digit(seed.next_below(16) as u32, 16))
        .collect()
}

struct Sampler<'a> {
    seed: &'a mut Seed,
    out: String,
    /// Characters that are still to be added beyond what would be written anyway.
    extra: u64,
    /// Free repetitions are made long enough that two samples hardly ever agree.
    generous: bool,
    /// Characters that may still be written, as far as is known.
    room: u64,
}

impl Sampler<'_> {
    fn walk(&mut self, structure: &Hir) {
        match structure.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => {
                let literal = String::from_utf8_lossy(&literal.0);
                self.room = self.room.saturating_sub(literal.chars().count() as u64);
                self.out.push_str(&literal);
            }
            HirKind::Class(Class::Unicode(class)) => self.class(class),
            HirKind::Class(Class::Bytes(_)) => {}
            HirKind::Repetition(repetition) => self.repetition(repetition),
            HirKind::Capture(capture) => self.walk(&capture.sub),
            HirKind::Concat(parts) => self.concat(parts),
            HirKind::Alternation(branches) => {
                if let Some(branch) = self.seed.choose(branches) {
                    self.walk(branch);
                }
            }
        }
    }

    /// Keeps room for what the later parts need at least.
    fn concat(&mut self, parts: &[Hir]) {
        let mut later: u64 = parts.iter().map(shortest).sum();
        for part in parts {
            later -= shortest(part);
            let room = self.room;
            let held = later.min(room);
            self.room = room - held;
            self.walk(part);
            self.room += held;
        }
    }

    fn repetition(&mut self, repetition: &Repetition) {
        let size = shortest(&repetition.sub).max(1);
        let min = u64::from(repetition.min);
        let free = repetition.max.map_or(u64::MAX, |max| u64::from(max) - min);
        let room = (self.room / size).saturating_sub(min);
        let wished = self.wished(&repetition.sub, min);
        let added = (self.extra / size).min(free);
        self.extra -= added * size;
        let more = wished.max(added).min(free).min(room);
        for _ in 0..min + more {
            if self.out.len() as u64 > 4 * LONGEST {
                return;
            }
            self.walk(&repetition.sub);
        }
    }

    /// How many repetitions beyond the least make a good sample.
    fn wished(&mut self, repeated: &Hir, min: u64) -> u64 {
        if !self.generous {
            return u64::from(min == 0) * self.seed.next_below(2);
        }
        match uncaptured(repeated).kind() {
            // Versions and counters read best when they are short.
            HirKind::Class(Class::Unicode(class)) if is_digits(class) => self.seed.next_below(3),
            HirKind::Class(_) => (10 + self.seed.next_below(3)).saturating_sub(min),
            _ => u64::from(min == 0) * self.seed.next_below(2),
        }
    }

    fn class(&mut self, class: &ClassUnicode) {
        self.room = self.room.saturating_sub(1);
        for preferred in [('a', 'z', '0', '9'), ('A', 'Z', 'A', 'Z'), ('!', '~', ' ', ' ')] {
            let (low, high, also_low, also_high) = preferred;
            let candidates: Vec<char> = (low..=high)
                .chain(also_low..=also_high)
                .filter(|&character| contains(class, character))
                .collect();
            if let Some(&character) = self.seed.choose(&candidates) {
                self.out.push(character);
                return;
            }
        }
        if let Some(range) = self.seed.choose(class.ranges()) {
            self.out.push(range.start());
        }
    }
}

fn contains(class: &ClassUnicode, character: char) -> bool {
    class
        .ranges()
        .iter()
        .any(|range| (range.start()..=range.end()).contains(&character))
}

fn is_digits(class: &ClassUnicode) -> bool {
    class.ranges().iter().all(|range| range.start() >= '0' && range.end() <= '9')
}

fn uncaptured(mut part: &Hir) -> &Hir {
    while let HirKind::Capture(capture) = part.kind() {
        part = &capture.sub;
    }
    part
}

/// Bytes, and so about characters, of the shortest match.
fn shortest(part: &Hir) -> u64 {
    part.properties().minimum_len().unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const REAL: &[(&str, Option<u64>, Option<u64>)] = &[
        (r"^[0-9A-Za-z]+[0-9A-Za-z_\-]*$", Some(1), Some(100)),
        (r"^(0|([1-9]{1}\d*))$", Some(1), Some(20)),
        (r"^[!-~]*$", None, Some(64)),
        (r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$", None, None),
        (r"^[a-zA-Z0-9_\-]*$", Some(1), Some(100)),
        (r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", Some(1), Some(128)),
        (r"^[a-zA-Z0-9][a-zA-Z0-9_-]*$", Some(90), Some(128)),
        (r"^\d{12}$", None, None),
        (
            r"^arn:(aws|aws-cn|aws-us-gov):[a-zA-Z0-9-]+:[a-zA-Z0-9-]*:\d{12}:([\w+=,.@-]+/)*[\w+=,.@-]+$",
            Some(1),
            Some(200),
        ),
        (
            r"^arn:aws[a-zA-Z-]*:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+$",
            Some(20),
            Some(2048),
        ),
        (r"^arn:[a-z0-9-\.]{1,63}:iam::[a-z0-9-\.]{0,63}:role\/.{0,1023}$", None, Some(90)),
        (r"^(\$LATEST|[a-zA-Z0-9-_]+)$", Some(1), Some(128)),
        (r"^(?!aws:)[a-zA-Z+-=._:/]+$", Some(1), Some(128)),
        (r"^(?!^[0-9]+$)([a-zA-Z0-9-_]+)$", Some(1), Some(128)),
        (r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$", Some(3), Some(256)),
        (r"^[0-9A-Za-z\.\-_]*(?<!\.)$", Some(1), Some(128)),
        (r"\S", Some(5), Some(9)),
        (r"^(?i)all|[0-9]{12}$", None, None),
        (r"^v[0-9]+\.[0-9]+(\.[0-9]+)?$", None, Some(12)),
        (r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", Some(3), Some(63)),
        (r"^.{1,100000}$", Some(3000), Some(4000)),
        (r"^[A-Z]{2}$", Some(2), Some(2)),
        (r"^([A-Za-z0-9]{3}-){2,5}[0-9]$", Some(13), Some(13)),
    ];

    proptest! {
        #![proptest_config(crate::trials::cases(256))]

        #[test]
        fn a_sample_obeys_its_pattern_and_length(which in 0..REAL.len(), bytes in any::<[u8; 8]>()) {
            let (source, min, max) = REAL[which];
            let pattern = Pattern::smithy(source);
            let sample = text(Some(&pattern), Some(Length { min, max }), &mut Seed::new(&bytes));
            let sample = sample.unwrap_or_else(|| panic!("no sample of {source}"));
            let count = sample.chars().count() as u64;
            prop_assert_eq!(pattern.matches(&sample), Matched::Yes, "{} {}", source, sample);
            prop_assert!(min.is_none_or(|min| count >= min) && max.is_none_or(|max| count <= max), "{} {}", source, sample);
        }
    }

    #[test]
    fn one_seed_gives_one_text_and_another_seed_another() {
        let pattern = Pattern::smithy(r"^[0-9A-Za-z]+[0-9A-Za-z_\-]*$");
        let make = |seed: &[u8]| text(Some(&pattern), None, &mut Seed::new(seed));
        assert_eq!(make(b"one"), make(b"one"));
        assert_ne!(make(b"one"), make(b"two"));
        assert!(make(b"one").is_some());
    }

    #[test]
    fn samples_are_plain_where_the_pattern_allows_it() {
        for source in [r"^[\s\S]+$", r"^[!-~]{3,}$", r"^[^/]+$", r"^\P{C}{1,9}$"] {
            let sample = text(Some(&Pattern::smithy(source)), None, &mut Seed::new(b"seed")).unwrap();
            assert!(sample.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{source} {sample}");
        }
    }

    #[test]
    fn without_a_pattern_a_text_is_hexadecimal_of_a_fitting_length() {
        for (min, max, count) in [(None, None, 32), (None, Some(7), 7), (Some(50), None, 50), (Some(0), Some(0), 0)] {
            let sample = text(None, Some(Length { min, max }), &mut Seed::new(b"seed")).unwrap();
            assert_eq!(sample.len(), count);
            assert!(sample.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
        }
    }

    #[test]
    fn what_cannot_be_obeyed_gives_nothing() {
        let none = |source: &str, min, max| text(Some(&Pattern::smithy(source)), Some(Length { min, max }), &mut Seed::new(b"seed"));
        assert_eq!(none(r"^a{5}$", None, Some(4)), None);
        assert_eq!(none(r"^a{5}$", Some(6), None), None);
        assert_eq!(none(r"^[a]$", Some(2), Some(1)), None);
        assert_eq!(none(r"(", None, None), None);
    }
}
