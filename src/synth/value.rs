//! One valid value for a shape, whatever the shape is.

use super::echo::Echo;
use super::plausible::{self, Wanted};
use super::words::has_word;
use super::{INSTANT, Setting, SynthError};
use crate::model::pattern::Matched;
use crate::model::sample::{self, Seed};
use crate::model::schema::{Member, Range, Service, Shape, ShapeIndex, ShapeKind};
use crate::pointer::Path;
use crate::value::Value;

/// Structures are nested no deeper than this; a model that requires more is refused.
const DEEPEST: usize = 32;

/// A list or map that must have more items than this is refused.
const MOST_ITEMS: usize = 10_000;

/// Optional members are filled in down to this depth.
const DETAIL: usize = 3;

/// What a value is for.
#[derive(Clone, Copy)]
pub(super) enum Purpose<'a> {
    /// Required members and the idempotency token.
    Input,
    /// Required members and those that are expected.
    Output,
    /// Required members and the message.
    Error(&'a str),
}

/// Everything that a value depends on.
pub(super) struct Composer<'a> {
    pub service: &'a Service,
    pub operation: &'a str,
    pub setting: &'a Setting,
    pub purpose: Purpose<'a>,
    pub echo: &'a Echo<'a>,
    /// Tells one input from another, so that two resources get two ids.
    pub digest: &'a str,
}

/// Where a value will stand: its path, the structures around it, its position in a list.
#[derive(Clone, Copy)]
struct Place<'p> {
    root: ShapeIndex,
    path: Path<'p>,
    inside: ShapeIndex,
    above: Option<&'p Place<'p>>,
    depth: usize,
    /// How many lists and maps are around it.
    collections: usize,
    nth: usize,
}

impl Place<'_> {
    fn is_inside(&self, shape: ShapeIndex) -> bool {
        self.inside == shape || self.above.is_some_and(|above| above.is_inside(shape))
    }
}

impl Composer<'_> {
    /// A value for a whole input, output or error.
    pub fn root(&self, shape: ShapeIndex) -> Result<Value, SynthError> {
        let place = Place {
            root: shape,
            path: Path::ROOT,
            inside: shape,
            above: None,
            depth: 0,
            collections: 0,
            nth: 0,
        };
        self.structure(self.service.shape(shape).members(), &place)
    }

    fn structure(&self, members: &[Member], place: &Place<'_>) -> Result<Value, SynthError> {
        let mut object = Vec::new();
        for member in members {
            let at = Place {
                path: place.path.name(&member.name),
                above: Some(place),
                ..*place
            };
            if let Some(value) = self.echoed(member, place) {
                object.push((member.name.clone(), value));
            } else if member.required {
                object.push((member.name.clone(), self.value(member, &at)?));
            } else if self.is_wanted(member, place) {
                // What is only nice to have is left out where its constraints are too much, or
                // nothing is in it.
                let made = self.value(member, &at).ok();
                let made = made.filter(|value| *value != Value::Object(Vec::new()));
                object.extend(made.map(|value| (member.name.clone(), value)));
            }
        }
        Ok(Value::Object(object))
    }

    /// The value that the input has under the same name, where it is valid here too.
    fn echoed(&self, member: &Member, place: &Place<'_>) -> Option<Value> {
        if !matches!(self.purpose, Purpose::Output) || place.depth > DETAIL {
            return None;
        }
        let value = self.echo.find(self.service, member)?;
        match value {
            Value::Text(text) if !fits(member, text) => None,
            _ => Some(value.clone()),
        }
    }

    fn is_wanted(&self, member: &Member, place: &Place<'_>) -> bool {
        match self.purpose {
            Purpose::Input => member.idempotency_token && place.depth == 0,
            Purpose::Error(_) => is_message(member),
            Purpose::Output => {
                let owner = self.service.shape(place.inside).name();
                let target = self.service.shape(member.target);
                place.depth < DETAIL && !place.is_inside(member.target) && plausible::expected(member, target, owner, place.depth == 0)
            }
        }
    }

    fn value(&self, member: &Member, place: &Place<'_>) -> Result<Value, SynthError> {
        let shape = self.service.shape(member.target);
        let name = member.name.as_str();
        match &shape.kind {
            ShapeKind::Structure(members) => self.structure(&members.list, &self.enter(member, place)?),
            ShapeKind::Union(members) => self.union(&members.list, &self.enter(member, place)?),
            ShapeKind::List(item) => self.list(member, item, place),
            ShapeKind::Map { key, value } => self.map(member, key, value, place),
            ShapeKind::String(Some(values)) => match plausible::choice(self.operation, name, values, place.nth) {
                Some(value) => Ok(Value::Text(value.to_owned())),
                None => Err(self.impossible(place, "the enumeration has no values")),
            },
            ShapeKind::String(None) => self.text(member, shape, place).map(Value::Text),
            ShapeKind::Blob => Ok(Value::Blob(blob(member))),
            ShapeKind::Boolean => Ok(Value::Bool(plausible::is_on(name) != (place.nth % 2 == 1))),
            ShapeKind::IntEnum(values) => match values.get(place.nth % values.len().max(1)) {
                Some(value) => Ok(Value::Integer(i128::from(*value))),
                None => Err(self.impossible(place, "the enumeration has no values")),
            },
            ShapeKind::Byte | ShapeKind::Short | ShapeKind::Integer | ShapeKind::Long | ShapeKind::BigInteger => {
                self.whole_number(member, place)
            }
            ShapeKind::Float | ShapeKind::Double | ShapeKind::BigDecimal => Ok(number(member, place.nth)),
            ShapeKind::Timestamp => Ok(Value::Timestamp {
                seconds: INSTANT + place.nth as i64,
                nanos: 0,
            }),
            ShapeKind::Document | ShapeKind::Unit => Ok(Value::Object(Vec::new())),
        }
    }

    fn enter<'p>(&self, member: &Member, place: &'p Place<'p>) -> Result<Place<'p>, SynthError> {
        if place.depth >= DEEPEST {
            return Err(self.impossible(place, "its required members are nested too deeply"));
        }
        Ok(Place {
            inside: member.target,
            above: Some(place),
            depth: place.depth + 1,
            ..*place
        })
    }

    /// The collections around what a list or map at this place holds: one may be an item of itself.
    fn collect(&self, place: &Place<'_>) -> Result<usize, SynthError> {
        if place.collections >= DEEPEST {
            return Err(self.impossible(place, "its required items are nested too deeply"));
        }
        Ok(place.collections + 1)
    }

    /// The first member that does not lead back here.
    fn union(&self, members: &[Member], place: &Place<'_>) -> Result<Value, SynthError> {
        let above = place.above;
        let leads_back = |member: &&Member| !above.is_some_and(|above| above.is_inside(member.target)) && member.target != place.inside;
        let chosen = members.iter().find(leads_back).or(members.first());
        let Some(member) = chosen else {
            return Err(self.impossible(place, "the union has no members"));
        };
        let at = Place {
            path: place.path.name(&member.name),
            above: Some(place),
            ..*place
        };
        Ok(Value::Object(vec![(member.name.clone(), self.value(member, &at)?)]))
    }

    /// As short as it may be.
    fn list(&self, member: &Member, item: &Member, place: &Place<'_>) -> Result<Value, SynthError> {
        let mut items = Vec::new();
        let collections = self.collect(place)?;
        for nth in 0..self.shortest(member, place)? {
            let at = Place {
                path: place.path.index(nth),
                above: Some(place),
                collections,
                nth,
                ..*place
            };
            items.push(self.value(item, &at)?);
        }
        Ok(Value::List(items))
    }

    /// As small as it may be.
    fn map(&self, member: &Member, key: &Member, value: &Member, place: &Place<'_>) -> Result<Value, SynthError> {
        let mut entries = Vec::new();
        let collections = self.collect(place)?;
        for nth in 0..self.shortest(member, place)? {
            let at = Place {
                collections,
                nth,
                ..*place
            };
            let Value::Text(key) = self.value(key, &at)? else {
                return Err(self.impossible(place, "the key of the map is not a string"));
            };
            let value = self.value(value, &at)?;
            entries.push((key, value));
        }
        Ok(Value::Object(entries))
    }

    fn text(&self, member: &Member, shape: &Shape, place: &Place<'_>) -> Result<String, SynthError> {
        if member.idempotency_token {
            let token = format!("00000000-0000-4000-8000-{:012}", self.setting.number);
            if fits(member, &token) {
                return Ok(token);
            }
        }
        let seed = self.seed(place);
        let wanted = Wanted {
            member,
            target: shape,
            owner: self.service.shape(place.inside).name(),
            seed: &seed,
            nth: place.nth,
        };
        let mut texts = Vec::new();
        if let Purpose::Error(message) = self.purpose
            && is_message(member)
        {
            texts.push(message.to_owned());
            texts.push(cut(message, member));
        }
        texts.extend(plausible::texts(self.service, self.setting, self.echo, &wanted));
        texts.push(texts.last().map(|text| cut(text, member)).unwrap_or_default());
        if let Some(text) = texts.into_iter().find(|text| fits(member, text)) {
            return Ok(text);
        }
        sampled(member, &seed)
            .filter(|text| fits(member, text))
            .ok_or_else(|| self.impossible(place, "no text was found that has its pattern and length"))
    }

    /// Hexadecimal that follows from the operation, its input and the place alone.
    fn seed(&self, place: &Place<'_>) -> String {
        let text = format!(
            "{}\0{}\0{}\0{}\0{}",
            self.service.shape_id,
            self.operation,
            self.digest,
            place.path.render(),
            place.nth
        );
        blake3::hash(text.as_bytes()).to_hex().to_string()
    }

    fn whole_number(&self, member: &Member, place: &Place<'_>) -> Result<Value, SynthError> {
        let (least, most) = bounds(member.constraints.range.as_ref());
        let least_whole = least.map(|least| least.ceil() as i128);
        let wanted = least_whole.unwrap_or(1).max(1) + place.nth as i128;
        let most_whole = most.map(|most| most.floor() as i128);
        let value = most_whole.map_or(wanted, |most| wanted.min(most));
        if least_whole.is_some_and(|least| value < least) {
            return Err(self.impossible(place, "its range holds no whole number"));
        }
        Ok(Value::Integer(value))
    }

    /// How many items or entries a list or map must have.
    fn shortest(&self, member: &Member, place: &Place<'_>) -> Result<usize, SynthError> {
        let least = member.constraints.length.and_then(|limits| limits.min).unwrap_or(0);
        match usize::try_from(least) {
            Ok(least) if least <= MOST_ITEMS => Ok(least),
            _ => Err(self.impossible(place, "it must have too many items")),
        }
    }

    fn impossible(&self, place: &Place<'_>, problem: &str) -> SynthError {
        SynthError::Impossible {
            shape: self.service.shape(place.root).name().to_owned(),
            path: place.path.render(),
            problem: problem.to_owned(),
        }
    }
}

fn is_message(member: &Member) -> bool {
    member.name.eq_ignore_ascii_case("message") || has_word(&member.name, "errormessage")
}

/// Whether a text has the pattern and length that hold for a member.
fn fits(member: &Member, text: &str) -> bool {
    let length = text.chars().count() as u64;
    let long_enough = |least: u64| length >= least;
    let short_enough = |most: u64| length <= most;
    let constraints = &member.constraints;
    constraints
        .length
        .is_none_or(|limits| limits.min.is_none_or(long_enough) && limits.max.is_none_or(short_enough))
        && constraints
            .pattern
            .as_ref()
            .is_none_or(|pattern| pattern.matches(text) != Matched::No)
}

/// A text made from the pattern itself.
fn sampled(member: &Member, seed: &str) -> Option<String> {
    let constraints = &member.constraints;
    sample::text(constraints.pattern.as_deref(), constraints.length, &mut Seed::new(seed.as_bytes()))
}

/// A text cut or stretched to the length that holds for a member.
fn cut(text: &str, member: &Member) -> String {
    let limits = member.constraints.length;
    let most = limits.and_then(|limits| limits.max).unwrap_or(u64::MAX);
    let least = limits.and_then(|limits| limits.min).unwrap_or(0).min(most);
    let mut out: String = text.chars().take(usize::try_from(most).unwrap_or(usize::MAX)).collect();
    let length = out.chars().count() as u64;
    out.extend(std::iter::repeat_n('x', usize::try_from(least.saturating_sub(length)).unwrap_or(0)));
    out
}

fn blob(member: &Member) -> Vec<u8> {
    cut("ferrotape", member).into_bytes()
}

fn bounds(range: Option<&Range>) -> (Option<f64>, Option<f64>) {
    let read = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    range.map_or((None, None), |range| (read(&range.min), read(&range.max)))
}

/// A number with a fraction: the least that its range allows, else 1.
fn number(member: &Member, nth: usize) -> Value {
    let range = member.constraints.range.as_ref();
    let (least, most) = bounds(range);
    let one = 1.0 + nth as f64;
    if least.is_none_or(|least| one >= least) && most.is_none_or(|most| one <= most) {
        return Value::Integer(1 + nth as i128);
    }
    let text = range.and_then(|range| range.min.clone().or_else(|| range.max.clone()));
    let text = text.unwrap_or_else(|| "1".to_owned());
    text.parse().map_or(Value::Number(text), Value::Integer)
}
