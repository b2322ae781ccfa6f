//! From the AST to the arena: targets resolved, constraints put where they hold, operations found
//! through every resource. Only what an operation can reach is compiled.

use super::ast::{self, AstMember, AstShape, Reference, Traits};
use super::botocore;
use super::endpoint::EndpointRules;
use super::format;
use super::http::{Binding, HttpTrait};
use super::listing::{Listing, local_name};
use super::pattern::Pattern;
use super::schema::*;
use crate::json::problem::problem;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

/// Why a model cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    #[error("cannot read the model `{path}`: {source}")]
    Unreadable { path: String, source: std::io::Error },
    #[error(
        "`{path}` is not a model: {source}; name a Smithy 2.0 JSON AST file, the format of AWS's published models, or a botocore `service-2.json`"
    )]
    NotAModel { path: String, source: ast::AstError },
    #[error("`{path}` looks like a botocore model, but is none: {why}")]
    NotBotocore { path: String, why: String },
    #[error("`{path}` is not a model that can be used: `{shape}` refers to `{target}`, which the file does not define")]
    Dangling { path: String, shape: String, target: String },
    #[error("`{path}` is not a model that can be used: shape `{shape}` {problem}")]
    BadShape { path: String, shape: String, problem: String },
    #[error("`{path}` is a Smithy model, but defines no service")]
    NoService { path: String },
    #[error("there is no botocore to take models from: {problem}; install it (`pip install botocore`) or name a folder of models")]
    NoBotocore { problem: String },
    #[error("cannot list the folder of models `{path}`: {source}")]
    UnreadableFolder { path: String, source: std::io::Error },
    #[error("the folder `{path}` holds no model; name a checkout of AWS's published models or the `data` folder of botocore")]
    EmptyFolder { path: String },
}

/// Compiles every service of a model, in whichever format it is, compressed or not. `source` names
/// the file in messages.
///
/// # Errors
/// Where the bytes are no model, a target is missing, or no service is defined.
pub fn load(bytes: &[u8], source: &str) -> Result<Vec<Service>, ModelError> {
    load_with_rules(bytes, source, || Ok(None))
}

/// The same; `rules` reads the endpoint rules of a botocore model, which are in another file.
///
/// # Errors
/// Those of [`load`] and of `rules`.
pub fn load_with_rules(
    bytes: &[u8],
    source: &str,
    rules: impl FnOnce() -> Result<Option<Value>, ModelError>,
) -> Result<Vec<Service>, ModelError> {
    let plain = format::inflated(bytes).map_err(|error| ModelError::Unreadable {
        path: source.to_owned(),
        source: error,
    })?;
    let sha256 = hexadecimal(&Sha256::digest(bytes));
    if format::is_botocore(&plain) {
        let shapes = botocore::read(&plain, rules()?).map_err(|error| ModelError::NotBotocore {
            path: source.to_owned(),
            why: problem(&plain, &error),
        })?;
        return compile(&shapes, source, &sha256, Pattern::botocore);
    }
    let shapes = ast::read(&plain).map_err(|error| ModelError::NotAModel {
        path: source.to_owned(),
        source: error,
    })?;
    compile(&shapes, source, &sha256, Pattern::smithy)
}

/// A JSON document that lies beside a botocore model, compressed or not.
///
/// # Errors
/// Where it is not JSON.
pub fn parsed(bytes: &[u8], source: &str) -> Result<Value, ModelError> {
    let plain = format::inflated(bytes).map_err(|error| ModelError::Unreadable {
        path: source.to_owned(),
        source: error,
    })?;
    serde_json::from_slice(&plain).map_err(|error| ModelError::NotBotocore {
        path: source.to_owned(),
        why: problem(&plain, &error),
    })
}

fn compile(shapes: &[(String, AstShape)], source: &str, sha256: &str, pattern: fn(String) -> Pattern) -> Result<Vec<Service>, ModelError> {
    let by_id: HashMap<&str, &AstShape> = shapes.iter().map(|(id, shape)| (id.as_str(), shape)).collect();
    let services: Vec<Service> = shapes
        .iter()
        .filter(|(_, shape)| shape.kind == "service")
        .map(|(id, shape)| Compiler::new(&by_id, source, pattern).service(id, shape, sha256))
        .collect::<Result<_, _>>()?;
    if services.is_empty() {
        Err(ModelError::NoService { path: source.to_owned() })
    } else {
        Ok(services)
    }
}

/// Lower-case hexadecimal.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

struct Compiler<'a> {
    by_id: &'a HashMap<&'a str, &'a AstShape>,
    source: &'a str,
    /// Makes a pattern in the dialect of the model.
    dialect: fn(String) -> Pattern,
    indices: HashMap<&'a str, ShapeIndex>,
    /// Shapes that have an index and wait to be compiled, in index order.
    waiting: Vec<&'a str>,
    patterns: HashMap<String, Arc<Pattern>>,
    lints: Vec<String>,
}

impl<'a> Compiler<'a> {
    fn new(by_id: &'a HashMap<&'a str, &'a AstShape>, source: &'a str, dialect: fn(String) -> Pattern) -> Compiler<'a> {
        Compiler {
            by_id,
            source,
            dialect,
            indices: HashMap::new(),
            waiting: Vec::new(),
            patterns: HashMap::new(),
            lints: Vec::new(),
        }
    }

    fn service(mut self, id: &'a str, shape: &'a AstShape, sha256: &str) -> Result<Service, ModelError> {
        let mut operations = Vec::new();
        let mut operation_names = HashMap::new();
        for operation_id in self.operation_ids(id, shape)? {
            let name = local_name(operation_id);
            if operation_names.contains_key(name) {
                continue;
            }
            operation_names.insert(name.to_owned(), OperationIndex(operations.len() as u32));
            let operation = self.operation(id, operation_id)?;
            operations.push(operation);
        }
        let errors = self.references(id, &shape.errors)?;
        let mut shapes = Vec::new();
        while let Some(&next) = self.waiting.get(shapes.len()) {
            let compiled = self.shape(next)?;
            shapes.push(compiled);
        }
        let listing = Listing::of(id, &shape.version, &shape.traits);
        Ok(Service {
            shape_id: id.to_owned(),
            sdk_id: listing.sdk_id,
            version: listing.version,
            protocols: listing.protocols,
            signing_name: listing.signing_name,
            endpoint_prefix: listing.endpoint_prefix,
            endpoint_rules: EndpointRules::of_traits(&shape.traits),
            query_compatible: shape.traits.contains_key("aws.protocols#awsQueryCompatible"),
            operations,
            shapes,
            errors,
            traits: shape.traits.clone(),
            sha256: sha256.to_owned(),
            lints: self.lints,
            source: self.source.to_owned(),
            operation_names,
            carries_sensitive: std::sync::OnceLock::new(),
            routes: std::sync::OnceLock::new(),
            name: local_name(id).to_owned(),
        })
    }

    /// Operations bound directly, then those of resources, lifecycle first, depth first.
    fn operation_ids(&self, id: &str, service: &'a AstShape) -> Result<Vec<&'a str>, ModelError> {
        let mut found: Vec<&'a str> = service.operations.iter().map(|reference| reference.target.as_str()).collect();
        let mut resources: Vec<&'a Reference> = service.resources.iter().rev().collect();
        let mut seen = std::collections::HashSet::new();
        while let Some(reference) = resources.pop() {
            if !seen.insert(reference.target.as_str()) {
                continue;
            }
            let resource = self.find(id, &reference.target)?;
            let lifecycle = [
                &resource.put,
                &resource.create,
                &resource.read,
                &resource.update,
                &resource.delete,
                &resource.list,
            ];
            let bound = lifecycle
                .into_iter()
                .flatten()
                .chain(&resource.operations)
                .chain(&resource.collection_operations);
            found.extend(bound.map(|operation| operation.target.as_str()));
            resources.extend(resource.resources.iter().rev());
        }
        Ok(found)
    }

    fn operation(&mut self, service: &str, id: &'a str) -> Result<Operation, ModelError> {
        let shape = self.find(service, id)?;
        let unit = || "smithy.api#Unit";
        let input_id = shape.input.as_ref().map_or_else(unit, |reference| reference.target.as_str());
        let output_id = shape.output.as_ref().map_or_else(unit, |reference| reference.target.as_str());
        let idempotency_token = self.by_id.get(input_id).and_then(|input| {
            let marked = input
                .members
                .iter()
                .find(|(_, member)| member.pointer("/traits/smithy.api#idempotencyToken").is_some());
            marked.map(|(name, _)| name.clone())
        });
        Ok(Operation {
            name: local_name(id).to_owned(),
            input: self.index(id, input_id)?,
            output: self.index(id, output_id)?,
            errors: self.references(id, &shape.errors)?,
            idempotency_token,
            http: HttpTrait::of(&shape.traits),
            traits: shape.traits.clone(),
        })
    }

    fn references(&mut self, from: &str, references: &'a [Reference]) -> Result<Vec<ShapeIndex>, ModelError> {
        references.iter().map(|reference| self.index(from, &reference.target)).collect()
    }

    fn find(&self, from: &str, id: &str) -> Result<&'a AstShape, ModelError> {
        let dangling = || ModelError::Dangling {
            path: self.source.to_owned(),
            shape: from.to_owned(),
            target: id.to_owned(),
        };
        self.by_id.get(id).copied().ok_or_else(dangling)
    }

    fn index(&mut self, from: &str, id: &'a str) -> Result<ShapeIndex, ModelError> {
        if let Some(&index) = self.indices.get(id) {
            return Ok(index);
        }
        if prelude(id).is_none() {
            self.find(from, id)?;
        }
        let index = ShapeIndex(self.waiting.len() as u32);
        self.indices.insert(id, index);
        self.waiting.push(id);
        Ok(index)
    }

    fn shape(&mut self, id: &'a str) -> Result<Shape, ModelError> {
        if let Some(kind) = prelude(id).filter(|_| !self.by_id.contains_key(id)) {
            return Ok(Shape {
                id: id.to_owned(),
                kind,
                sensitive: false,
                error: None,
                traits: Traits::new(),
            });
        }
        let shape = self.find(id, id)?;
        Ok(Shape {
            id: id.to_owned(),
            kind: self.kind(id, shape)?,
            sensitive: shape.traits.contains_key("smithy.api#sensitive"),
            error: error_trait(&shape.traits),
            traits: shape.traits.clone(),
        })
    }

    fn kind(&mut self, id: &'a str, shape: &'a AstShape) -> Result<ShapeKind, ModelError> {
        Ok(match shape.kind.as_str() {
            "blob" => ShapeKind::Blob,
            "boolean" => ShapeKind::Boolean,
            "string" => ShapeKind::String(enum_trait(&shape.traits)),
            "enum" => ShapeKind::String(Some(enum_values(shape))),
            "intEnum" => ShapeKind::IntEnum(int_enum_values(shape)),
            "byte" => ShapeKind::Byte,
            "short" => ShapeKind::Short,
            "integer" => ShapeKind::Integer,
            "long" => ShapeKind::Long,
            "float" => ShapeKind::Float,
            "double" => ShapeKind::Double,
            "bigInteger" => ShapeKind::BigInteger,
            "bigDecimal" => ShapeKind::BigDecimal,
            "timestamp" => ShapeKind::Timestamp,
            "document" => ShapeKind::Document,
            "list" | "set" => ShapeKind::List(self.part(id, "member", shape.member.as_ref(), &shape.traits)?),
            "map" => ShapeKind::Map {
                key: Box::new(self.part(id, "key", shape.key.as_ref(), &Traits::new())?),
                value: Box::new(self.part(id, "value", shape.value.as_ref(), &shape.traits)?),
            },
            "structure" => ShapeKind::Structure(self.members(id, shape)?),
            "union" => ShapeKind::Union(self.members(id, shape)?),
            other => return Err(self.bad(id, format!("has the type `{other}`, where a value was expected"))),
        })
    }

    fn bad(&self, shape: &str, problem: String) -> ModelError {
        ModelError::BadShape {
            path: self.source.to_owned(),
            shape: shape.to_owned(),
            problem,
        }
    }

    /// The item, key or value of a collection; `collection` says whether it is sparse.
    fn part(&mut self, id: &'a str, name: &str, member: Option<&'a AstMember>, collection: &Traits) -> Result<Member, ModelError> {
        let member = member.ok_or_else(|| self.bad(id, format!("has no `{name}`")))?;
        let mut compiled = self.member(id, name, &member.target, &member.traits)?;
        compiled.sparse = collection.contains_key("smithy.api#sparse");
        Ok(compiled)
    }

    fn members(&mut self, id: &'a str, shape: &'a AstShape) -> Result<Members, ModelError> {
        let none = Traits::new();
        let mut list = Vec::with_capacity(shape.members.len());
        for (name, member) in &shape.members {
            let Some(target) = member.get("target").and_then(Value::as_str) else {
                return Err(self.bad(id, format!("has a member `{name}` without a target")));
            };
            let traits = member.get("traits").and_then(Value::as_object).unwrap_or(&none);
            list.push(self.member(id, name, target, traits)?);
        }
        Ok(Members::new(list))
    }

    fn member(&mut self, id: &'a str, name: &str, target_id: &'a str, traits: &Traits) -> Result<Member, ModelError> {
        let target = self.index(id, target_id)?;
        let none = Traits::new();
        let shape = self.by_id.get(target_id).copied();
        let inherited = shape.map_or(&none, |shape| &shape.traits);
        let is_set = shape.is_some_and(|shape| shape.kind == "set");
        let in_force = |name: &str| traits.get(name).or_else(|| inherited.get(name));
        let pattern = in_force("smithy.api#pattern")
            .and_then(Value::as_str)
            .map(|source| self.pattern(id, name, source));
        Ok(Member {
            name: name.to_owned(),
            target,
            required: traits.contains_key("smithy.api#required"),
            sparse: false,
            sensitive: traits.contains_key("smithy.api#sensitive") || inherited.contains_key("smithy.api#sensitive"),
            idempotency_token: traits.contains_key("smithy.api#idempotencyToken"),
            constraints: Constraints {
                length: in_force("smithy.api#length").map(length),
                range: in_force("smithy.api#range").map(range),
                pattern,
                unique_items: is_set || in_force("smithy.api#uniqueItems").is_some(),
            },
            timestamp_format: in_force("smithy.api#timestampFormat")
                .and_then(Value::as_str)
                .and_then(timestamp_format),
            binding: Binding::of(traits),
            host_label: traits.contains_key("smithy.api#hostLabel"),
            json_name: traits.get("smithy.api#jsonName").and_then(Value::as_str).map(str::to_owned),
            traits: traits.clone(),
        })
    }

    fn pattern(&mut self, id: &str, member: &str, source: &str) -> Arc<Pattern> {
        if let Some(pattern) = self.patterns.get(source) {
            return pattern.clone();
        }
        let pattern = Arc::new((self.dialect)(source.to_owned()));
        if let Some(problem) = pattern.problem() {
            self.lints.push(format!("the pattern of `{id}${member}` is not checked: {problem}"));
        }
        self.patterns.insert(source.to_owned(), pattern.clone());
        pattern
    }
}

/// The shapes that every model may use without defining them (Smithy 2.0, "Prelude model").
fn prelude(id: &str) -> Option<ShapeKind> {
    Some(match id.strip_prefix("smithy.api#")? {
        "String" => ShapeKind::String(None),
        "Blob" => ShapeKind::Blob,
        "Boolean" | "PrimitiveBoolean" => ShapeKind::Boolean,
        "Byte" | "PrimitiveByte" => ShapeKind::Byte,
        "Short" | "PrimitiveShort" => ShapeKind::Short,
        "Integer" | "PrimitiveInteger" => ShapeKind::Integer,
        "Long" | "PrimitiveLong" => ShapeKind::Long,
        "Float" | "PrimitiveFloat" => ShapeKind::Float,
        "Double" | "PrimitiveDouble" => ShapeKind::Double,
        "BigInteger" => ShapeKind::BigInteger,
        "BigDecimal" => ShapeKind::BigDecimal,
        "Timestamp" => ShapeKind::Timestamp,
        "Document" => ShapeKind::Document,
        "Unit" => ShapeKind::Unit,
        _ => return None,
    })
}

fn length(value: &Value) -> Length {
    let bound = |name| value.get(name).and_then(Value::as_u64);
    Length {
        min: bound("min"),
        max: bound("max"),
    }
}

fn range(value: &Value) -> Range {
    let bound = |name| {
        value
            .get(name)
            .map(|bound| bound.as_str().map_or_else(|| bound.to_string(), str::to_owned))
    };
    Range {
        min: bound("min"),
        max: bound("max"),
    }
}

fn timestamp_format(name: &str) -> Option<TimestampFormat> {
    match name {
        "date-time" => Some(TimestampFormat::DateTime),
        "http-date" => Some(TimestampFormat::HttpDate),
        "epoch-seconds" => Some(TimestampFormat::EpochSeconds),
        _ => None,
    }
}

fn error_trait(traits: &Traits) -> Option<ErrorTrait> {
    let fault = match traits.get("smithy.api#error")?.as_str()? {
        "server" => Fault::Server,
        _ => Fault::Client,
    };
    let http_status = traits
        .get("smithy.api#httpError")
        .and_then(Value::as_u64)
        .and_then(|status| u16::try_from(status).ok());
    Some(ErrorTrait {
        fault,
        http_status,
        retryable: traits.contains_key("smithy.api#retryable"),
    })
}

/// The old `@enum` trait of a string shape: an entry tagged `internal` is accepted and not shown.
fn enum_trait(traits: &Traits) -> Option<Vec<EnumValue>> {
    let entries = traits.get("smithy.api#enum")?.as_array()?;
    let internal = |entry: &Value| {
        entry
            .get("tags")
            .and_then(Value::as_array)
            .is_some_and(|tags| tags.iter().any(|tag| tag == "internal"))
    };
    let value = |entry: &Value| {
        Some(EnumValue {
            value: entry.get("value")?.as_str()?.to_owned(),
            internal: internal(entry),
        })
    };
    Some(entries.iter().filter_map(value).collect())
}

fn enum_values(shape: &AstShape) -> Vec<EnumValue> {
    let value = |(name, member): (&String, &Value)| EnumValue {
        value: member
            .pointer("/traits/smithy.api#enumValue")
            .and_then(Value::as_str)
            .unwrap_or(name)
            .to_owned(),
        internal: member.pointer("/traits/smithy.api#internal").is_some(),
    };
    shape.members.iter().map(value).collect()
}

fn int_enum_values(shape: &AstShape) -> Vec<i64> {
    shape
        .members
        .values()
        .filter_map(|member| member.pointer("/traits/smithy.api#enumValue")?.as_i64())
        .collect()
}

#[cfg(test)]
mod tests;
