//! The scalars of a JSON body. With `json_names`, keys are read by `@jsonName` (restJson1 alone
//! binds it).

use super::{Form, Part, Root, Spot, Trail, Visit};
use crate::codec::scalar::unknown_name;
use crate::json::lexer::{Lexer, Malformed, Token};
use crate::model::schema::{Member, Service, Shape, ShapeIndex, ShapeKind};
use std::borrow::Cow;

/// Shows every string, number and boolean of a JSON document, and every key.
///
/// # Errors
/// Where the bytes are not JSON; what was shown before then counts for nothing.
pub fn locate(root: Root<'_>, json_names: bool, body: &[u8], visit: Visit<'_>) -> Result<(), Malformed> {
    let mut walk = Walk {
        service: root.shape.map(|(service, _)| service),
        json_names,
        lexer: Lexer::from_bytes(body)?,
        member: Trail::new(root.member, root.shape.is_none()),
        wire: Trail::new("/body", false),
        levels: Vec::new(),
        shape: root.shape.map(|(_, shape)| shape),
    };
    while walk.step(visit)? {}
    Ok(())
}

/// Whether the bytes are a JSON document: quicker than looking for its scalars.
pub fn is_document(body: &[u8]) -> bool {
    let is_whole = |mut lexer: Lexer<'_>| {
        loop {
            match lexer.next() {
                Ok(Token::End) => return true,
                Ok(_) => {}
                Err(_) => return false,
            }
        }
    };
    Lexer::from_bytes(body).is_ok_and(is_whole)
}

struct Walk<'a> {
    service: Option<&'a Service>,
    json_names: bool,
    lexer: Lexer<'a>,
    member: Trail,
    wire: Trail,
    levels: Vec<Level>,
    /// What the next value is.
    shape: Option<ShapeIndex>,
}

/// An open object or array.
struct Level {
    member: usize,
    wire: usize,
    shape: Option<ShapeIndex>,
    /// The next position, in an array.
    next: Option<usize>,
}

impl<'a> Walk<'a> {
    fn step(&mut self, visit: Visit<'_>) -> Result<bool, Malformed> {
        let token = self.lexer.next()?;
        match token {
            Token::End => return Ok(false),
            Token::ObjectEnd | Token::ArrayEnd => {
                if let Some(level) = self.levels.pop() {
                    self.member.back(level.member);
                    self.wire.back(level.wire);
                }
                return Ok(true);
            }
            Token::Key(raw) => {
                self.key(raw.decode(), visit);
                return Ok(true);
            }
            _ => self.enter_item(),
        }
        match token {
            Token::ObjectStart => self.open(None),
            Token::ArrayStart => self.open(Some(0)),
            Token::Text(raw) => self.show(raw.decode(), Form::JsonText, false, visit),
            Token::Number(lexeme) => self.show(Cow::Borrowed(lexeme), Form::JsonScalar, false, visit),
            Token::Bool(value) => self.show(Cow::Borrowed(if value { "true" } else { "false" }), Form::JsonScalar, false, visit),
            _ => {}
        }
        Ok(true)
    }

    fn open(&mut self, next: Option<usize>) {
        self.levels.push(Level {
            member: self.member.len(),
            wire: self.wire.len(),
            shape: self.shape,
            next,
        });
    }

    /// A value begins: in an array it has a position.
    fn enter_item(&mut self) {
        let Some(level) = self.levels.last_mut() else { return };
        let Some(next) = &mut level.next else { return };
        self.member.back(level.member);
        self.wire.back(level.wire);
        self.member.index(*next);
        self.wire.index(*next);
        *next += 1;
        let item = match shape(self.service, level.shape).map(|shape| &shape.kind) {
            Some(ShapeKind::List(item)) => Some(item.target),
            _ => None,
        };
        self.shape = item;
    }

    fn key(&mut self, key: Cow<'_, str>, visit: Visit<'_>) {
        let Some(level) = self.levels.last() else { return };
        self.member.back(level.member);
        self.wire.back(level.wire);
        self.wire.name(&key);
        let found = shape(self.service, level.shape);
        let (member, is_map) = match found.map(|shape| &shape.kind) {
            Some(ShapeKind::Structure(_) | ShapeKind::Union(_)) => (found.and_then(|shape| self.find(shape, &key)), false),
            Some(ShapeKind::Map { value, .. }) => (Some(&**value), true),
            _ => (None, true),
        };
        match (member, found.map(|shape| &shape.kind)) {
            (Some(member), _) if !is_map => self.member.name(&member.name),
            (None, Some(ShapeKind::Structure(members) | ShapeKind::Union(members))) => self.member.name(&unknown_name(members, &key)),
            _ => self.member.name(&key),
        }
        self.shape = member.map(|member| member.target);
        // The names of a structure are the model's and no data.
        if is_map || member.is_none() {
            self.show(key, Form::JsonText, true, visit);
        }
    }

    fn find(&self, shape: &'a Shape, key: &str) -> Option<&'a Member> {
        match &shape.kind {
            ShapeKind::Structure(members) | ShapeKind::Union(members) if self.json_names => members.find_json(key),
            _ => shape.member(key),
        }
    }

    fn show(&self, text: Cow<'_, str>, form: Form, key: bool, visit: Visit<'_>) {
        visit(Spot {
            member: self.member.get(),
            wire: &self.wire.text,
            part: Part::Body,
            range: self.lexer.token_start()..self.lexer.token_end(),
            form,
            key,
            text,
        });
    }
}

fn shape(service: Option<&Service>, shape: Option<ShapeIndex>) -> Option<&Shape> {
    Some(service?.shape(shape?))
}
