//! The compiled form of a service model: an arena of shapes in which recursion is an index.
//!
//! Everything that a walk needs is resolved when the model is loaded: a member carries the
//! constraints that hold for it (its own trait where it has one, else its target's), so nobody
//! looks a trait up twice.

use super::endpoint::EndpointRules;
use super::http::{Binding, HttpTrait, Routes};
use super::listing::Listing;
use super::pattern::Pattern;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// A shape's place in [`Service::shapes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShapeIndex(pub u32);

/// An operation's place in [`Service::operations`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationIndex(pub u32);

/// One service of one model file.
#[derive(Debug)]
pub struct Service {
    /// `com.amazonaws.proton#AwsProton20200720`.
    pub shape_id: String,
    /// The local name of the shape id; awsJson puts it into `X-Amz-Target`.
    pub name: String,
    /// `aws.api#service` → `sdkId` (`Service Catalog`), else the local name. What a cassette says.
    pub sdk_id: String,
    /// The model's version, `2020-07-20`.
    pub version: String,
    /// Protocol trait ids in the order of the model (`aws.protocols#awsJson1_0`); awsQuery at the
    /// end for a service that is compatible with it.
    pub protocols: Vec<String>,
    /// `aws.auth#sigv4` → `name`: the service part of a credential scope.
    pub signing_name: String,
    /// `aws.api#service` → `endpointPrefix`, else the signing name.
    pub endpoint_prefix: String,
    /// Where its hosts are, as far as the model says.
    pub endpoint_rules: EndpointRules,
    /// `aws.protocols#awsQueryCompatible` is present.
    pub query_compatible: bool,
    /// Operations, those of resources included, in a stable order.
    pub operations: Vec<Operation>,
    /// The arena. Only shapes reachable from an operation are in it.
    pub shapes: Vec<Shape>,
    /// Errors that every operation may answer with.
    pub errors: Vec<ShapeIndex>,
    /// All traits of the service as the model has them, by shape id.
    pub traits: serde_json::Map<String, serde_json::Value>,
    /// SHA-256 of the model file's bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// What of the model cannot be honoured, told to the user and never silently dropped.
    pub lints: Vec<String>,
    /// Where the model came from: a path, or `built-in`.
    pub source: String,
    pub(super) operation_names: HashMap<String, OperationIndex>,
    /// For each shape, whether it or anything below it is sensitive; computed when first asked.
    pub(super) carries_sensitive: OnceLock<Box<[bool]>>,
    /// The routes of the REST protocols; sorted when first asked.
    pub(super) routes: OnceLock<Routes>,
}

impl Service {
    /// The service's names, apart from what it can do.
    pub fn listing(&self) -> Listing {
        Listing {
            shape_id: self.shape_id.clone(),
            sdk_id: self.sdk_id.clone(),
            version: self.version.clone(),
            protocols: self.protocols.clone(),
            signing_name: self.signing_name.clone(),
            endpoint_prefix: self.endpoint_prefix.clone(),
        }
    }

    /// The shape at an index.
    pub fn shape(&self, index: ShapeIndex) -> &Shape {
        &self.shapes[index.0 as usize]
    }

    /// The operation at an index.
    pub fn operation(&self, index: OperationIndex) -> &Operation {
        &self.operations[index.0 as usize]
    }

    /// The operation of that local name.
    pub fn operation_named(&self, name: &str) -> Option<OperationIndex> {
        self.operation_names.get(name).copied()
    }

    /// The operations with an `@http` trait, by method, the most specific first.
    pub fn routes(&self) -> &Routes {
        self.routes.get_or_init(|| Routes::new(&self.operations))
    }

    /// Whether a value of this shape can hold anything sensitive, however deep.
    pub fn carries_sensitive(&self, index: ShapeIndex) -> bool {
        let carries = self.carries_sensitive.get_or_init(|| self.sensitive_closure());
        carries.get(index.0 as usize).copied().unwrap_or(true)
    }

    fn sensitive_closure(&self) -> Box<[bool]> {
        let mut carries: Box<[bool]> = self.shapes.iter().map(|shape| shape.sensitive).collect();
        loop {
            let mut changed = false;
            for (index, shape) in self.shapes.iter().enumerate() {
                let below = |member: &Member| member.sensitive || carries[member.target.0 as usize];
                let found = carries[index] || shape.leads_to(below);
                changed |= found != carries[index];
                carries[index] = found;
            }
            if !changed {
                return carries;
            }
        }
    }

    /// Whether the model names errors, of its own or of any operation. EC2's names none.
    pub fn names_errors(&self) -> bool {
        !self.errors.is_empty() || self.operations.iter().any(|operation| !operation.errors.is_empty())
    }

    /// Every error an operation is modelled to answer with, the service's common ones included.
    pub fn errors_of(&self, operation: OperationIndex) -> impl Iterator<Item = ShapeIndex> + '_ {
        self.operation(operation).errors.iter().chain(&self.errors).copied()
    }

    /// The modelled error of that local name: of the operation where one is given, else of any.
    pub fn error_named(&self, operation: Option<OperationIndex>, name: &str) -> Option<ShapeIndex> {
        let named = |index: &ShapeIndex| self.shape(*index).name() == name;
        match operation {
            Some(operation) => self.errors_of(operation).find(named),
            None => self
                .operations
                .iter()
                .flat_map(|operation| &operation.errors)
                .chain(&self.errors)
                .copied()
                .find(named),
        }
    }
}

/// One operation.
#[derive(Debug)]
pub struct Operation {
    /// The local name, `CreateServiceInstance`.
    pub name: String,
    /// The input structure; [`ShapeKind::Unit`] where the model has none.
    pub input: ShapeIndex,
    /// The output structure; [`ShapeKind::Unit`] where the model has none.
    pub output: ShapeIndex,
    /// The operation's own modelled errors.
    pub errors: Vec<ShapeIndex>,
    /// The top-level input member with `@idempotencyToken`.
    pub idempotency_token: Option<String>,
    /// `@http`, where the operation has one.
    pub http: Option<HttpTrait>,
    /// All traits as the model has them, by shape id.
    pub traits: serde_json::Map<String, serde_json::Value>,
}

/// One shape.
#[derive(Debug)]
pub struct Shape {
    /// The absolute shape id.
    pub id: String,
    /// What it is.
    pub kind: ShapeKind,
    /// `@sensitive`: nothing in a value of this shape may reach disk or log.
    pub sensitive: bool,
    /// What an `@error` structure says of itself.
    pub error: Option<ErrorTrait>,
    /// All traits as the model has them, by shape id.
    pub traits: serde_json::Map<String, serde_json::Value>,
}

impl Shape {
    /// The local name of the shape id.
    pub fn name(&self) -> &str {
        self.id.rsplit('#').next().unwrap_or(&self.id)
    }

    /// The members of a structure or union; none for anything else.
    pub fn members(&self) -> &[Member] {
        match &self.kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => &members.list,
            _ => &[],
        }
    }

    /// A union that is sent event by event (`smithy.api#streaming`): its value is a list of events.
    pub fn is_event_stream(&self) -> bool {
        matches!(self.kind, ShapeKind::Union(_)) && self.traits.contains_key("smithy.api#streaming")
    }

    /// Whether any member, item, key or map value is such.
    fn leads_to(&self, is_such: impl Fn(&Member) -> bool) -> bool {
        match &self.kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => members.list.iter().any(is_such),
            ShapeKind::List(item) => is_such(item),
            ShapeKind::Map { key, value } => is_such(key) || is_such(value),
            _ => false,
        }
    }

    /// A member of a structure or union.
    pub fn member(&self, name: &str) -> Option<&Member> {
        match &self.kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) => members.find(name),
            _ => None,
        }
    }
}

/// The type of a shape, with what belongs to that type alone.
#[derive(Debug)]
pub enum ShapeKind {
    Blob,
    Boolean,
    /// A string; with values where it is an `enum` shape or has the old `@enum` trait.
    String(Option<Vec<EnumValue>>),
    Byte,
    Short,
    Integer,
    Long,
    /// The values of an `intEnum`.
    IntEnum(Vec<i64>),
    Float,
    Double,
    BigInteger,
    BigDecimal,
    Timestamp,
    Document,
    List(Member),
    Map {
        key: Box<Member>,
        value: Box<Member>,
    },
    Structure(Members),
    Union(Members),
    /// `smithy.api#Unit`: no input, no output, or a union member that carries nothing.
    Unit,
}

/// A value of an enumeration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnumValue {
    /// The wire value.
    pub value: String,
    /// Accepted but not listed in messages (`@internal`, or tagged `internal`).
    pub internal: bool,
}

/// The members of a structure or union, in the order of the model.
#[derive(Debug, Default)]
pub struct Members {
    /// In the order of the model.
    pub list: Vec<Member>,
    by_name: HashMap<String, u32>,
    /// By `@jsonName`, else name; only where a member has the trait.
    by_json_name: Option<HashMap<String, u32>>,
}

impl Members {
    /// Indexes members by name.
    pub fn new(list: Vec<Member>) -> Members {
        let by_json_name = list.iter().any(|member| member.json_name.is_some()).then(|| {
            let named = list.iter().enumerate();
            named.map(|(index, member)| (member.json_key().to_owned(), index as u32)).collect()
        });
        let by_name = list
            .iter()
            .enumerate()
            .map(|(index, member)| (member.name.clone(), index as u32))
            .collect();
        Members {
            list,
            by_name,
            by_json_name,
        }
    }

    /// The member of that name.
    pub fn find(&self, name: &str) -> Option<&Member> {
        // Most structures are small, and comparing a few short names is quicker than hashing one.
        if self.list.len() <= 8 {
            return self.list.iter().find(|member| member.name == name);
        }
        self.by_name.get(name).map(|&index| &self.list[index as usize])
    }

    /// The member that restJson1 writes under that key.
    pub fn find_json(&self, key: &str) -> Option<&Member> {
        match &self.by_json_name {
            None => self.find(key),
            Some(by_json_name) => by_json_name.get(key).and_then(|&index| self.list.get(index as usize)),
        }
    }

    /// The position of the member of that name.
    pub fn position(&self, name: &str) -> Option<usize> {
        if self.list.len() <= 8 {
            return self.list.iter().position(|member| member.name == name);
        }
        self.by_name.get(name).map(|&index| index as usize)
    }
}

/// A member of a structure or union, the item of a list, the key or value of a map; with the
/// constraints that hold at this place.
#[derive(Debug)]
pub struct Member {
    /// The member name; `member`, `key` or `value` in a list or map.
    pub name: String,
    /// The target shape.
    pub target: ShapeIndex,
    /// `@required`.
    pub required: bool,
    /// `@sparse` of the list or map that this is the item or value of: null is a value here.
    pub sparse: bool,
    /// `@sensitive` here (Smithy 1.0) or on the target.
    pub sensitive: bool,
    /// `@idempotencyToken`.
    pub idempotency_token: bool,
    /// The constraints in force: the member's own trait replaces the target's.
    pub constraints: Constraints,
    /// The timestamp format in force, where one is written; else the protocol decides.
    pub timestamp_format: Option<TimestampFormat>,
    /// Where the REST protocols put it, as a member of a top-level structure.
    pub binding: Binding,
    /// `@hostLabel`: it is also written into the host name.
    pub host_label: bool,
    /// `@jsonName`: its key in restJson1, where that is not the member name.
    pub json_name: Option<String>,
    /// The member's own traits as the model has them, by shape id.
    pub traits: serde_json::Map<String, serde_json::Value>,
}

impl Member {
    /// The member's key where `@jsonName` is honoured.
    pub fn json_key(&self) -> &str {
        self.json_name.as_deref().unwrap_or(&self.name)
    }
}

/// Constraint traits (Smithy 2.0, "Constraint traits") in force at one place.
#[derive(Debug, Default, Clone)]
pub struct Constraints {
    /// `@length`: of a string in Unicode scalar values, a blob in bytes, a list or map in entries.
    pub length: Option<Length>,
    /// `@range`.
    pub range: Option<Range>,
    /// `@pattern`, shared by all places that inherit it and compiled when first used.
    pub pattern: Option<Arc<Pattern>>,
    /// `@uniqueItems`.
    pub unique_items: bool,
}

impl Constraints {
    /// Nothing is constrained.
    pub fn is_empty(&self) -> bool {
        self.length.is_none() && self.range.is_none() && self.pattern.is_none() && !self.unique_items
    }
}

/// `@length`, both ends inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Length {
    pub min: Option<u64>,
    pub max: Option<u64>,
}

/// `@range`, both ends inclusive, as the model writes them (`2`, `2.2`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub min: Option<String>,
    pub max: Option<String>,
}

/// `@timestampFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampFormat {
    DateTime,
    HttpDate,
    EpochSeconds,
}

/// `@error`, `@httpError` and `@retryable` of an error structure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorTrait {
    /// Whose fault.
    pub fault: Fault,
    /// `@httpError`, where the model has it.
    pub http_status: Option<u16>,
    /// `@retryable` is present.
    pub retryable: bool,
}

/// Whose fault an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Client,
    Server,
}
