//! Which session a request belongs to, and the life of sessions.
//!
//! A session is one client's run through one cassette. It is named by the endpoint's path
//! (`/@NAME`), by the proxy's user name, or by the SDK's application id in the user agent
//! (`app/NAME`); what names none belongs to the session of the run itself. What a session holds is
//! the [`Stage`]'s affair (play positions, a redactor), and so is what a cassette is; `control`
//! starts and ends sessions by hand. Who starts the run's own takes it over: from then on it is a
//! session as any other.
//!
//! The rules for a name that nobody started: a path or a proxy user gets a session of its own, of
//! the cassette with its name where there is one (in a recording: in any case), else of the run's
//! own cassette. An application id is often set for reasons of its own, so it counts only where it
//! names a started session or a cassette that exists.

mod summary;
mod tally;

pub use tally::Tally;

use super::Arrival;
use super::event::Label;
use crate::cassette::Name;
use crate::wire;
use http::header::{HeaderMap, USER_AGENT};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// More than any test suite has; who asks for more has lost count.
const MOST_SESSIONS: usize = 100_000;

/// Application ids whose session is remembered.
const MOST_APP_IDS: usize = 10_000;

/// What sessions are made of.
pub trait Stage: Send + Sync + 'static {
    /// What each session holds.
    type Part: Send + Sync + 'static;

    /// The name of the mode, for whoever asks.
    fn mode(&self) -> &'static str;

    /// Whether a session may have that cassette because it has its name.
    fn has(&self, cassette: &Name) -> bool;

    /// The cassettes that there are.
    fn names(&self) -> Vec<Name>;

    /// Whether cassettes are made here: a session that nobody started has the one of its name, even
    /// where there is none yet.
    fn makes_cassettes(&self) -> bool {
        false
    }

    /// What a new session of that name and cassette holds; or why there is none, for people.
    fn open(&self, cassette: &Name, session: &Name) -> Result<Self::Part, String>;

    /// A session has ended, by hand; or why what it leaves cannot be kept, for people. May block.
    fn close(&self, _session: &Session<Self::Part>, _ending: Ending) -> Result<(), String> {
        Ok(())
    }

    /// The interactions of the session's cassette that no call asked for.
    fn unplayed(&self, part: &Self::Part) -> Vec<Unplayed>;
}

/// How a session ended, as whoever ended it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing else is said.
    Passed,
    /// What it recorded is of a test that failed.
    Failed,
    /// What it recorded is not to take the place of anything, whatever became of it.
    NotToBeKept,
}

/// An interaction that no call of a session asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unplayed {
    /// Its position in the cassette, from 0.
    pub position: usize,
    /// The service's `sdkId`, where the call was understood.
    pub service: Option<String>,
    /// The operation, where the call was understood.
    pub operation: Option<String>,
}

/// One client's run through one cassette.
pub struct Session<P> {
    /// Who it is.
    pub label: Label,
    /// What the stage keeps for it.
    pub part: P,
    /// What became of its calls.
    pub tally: Tally,
    started: AtomicBool,
    ended: AtomicBool,
}

impl<P> Session<P> {
    /// Nobody started it, and no call came.
    pub fn is_idle(&self) -> bool {
        self.tally.calls() == 0 && !self.was_started()
    }

    /// Somebody started it, and it did not merely come about.
    pub fn was_started(&self) -> bool {
        self.started.load(Ordering::Relaxed)
    }

    /// Whether it has ended: its calls are refused.
    pub fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }
}

/// Why a session cannot be had, for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The name is none.
    #[error("{0}")]
    BadName(String),
    /// There is no cassette for it, or it cannot be read.
    #[error("{0}")]
    NoCassette(String),
    /// It was ended.
    #[error("session `{0}` has ended; start it again with a POST to `/_ferrotape/sessions`")]
    Ended(String),
    /// It runs already.
    #[error("session `{0}` runs already; end it first, or take another name")]
    Runs(String),
    /// Nobody started it, and no call named it.
    #[error("there is no session `{0}`; start it with a POST to `/_ferrotape/sessions`")]
    Unknown(String),
    /// It is the run's own, which plays or records no other cassette and ends only after it was started.
    #[error(
        "`{0}` is the session of the run itself, with the cassette of that name; a POST to `/_ferrotape/sessions` that names no other cassette takes it over, and then it can be ended"
    )]
    Own(String),
    /// It has ended, and what it leaves cannot be kept.
    #[error("session `{session}` has ended, but its cassette is not written: {why}")]
    NotKept { session: String, why: String },
    /// The request names none, and the run has no cassette of its own.
    #[error(
        "the request names no session, and there is no cassette `{0}` for those that name none; name one (`AWS_ENDPOINT_URL=http://…/@NAME`), or start Ferrotape with `-c NAME`"
    )]
    NoneNamed(String),
    /// The request has an application id that means none, and the run has no cassette of its own.
    #[error(
        "the request names no session: its application id `{id}` is neither that of a started session nor the name of a cassette, and there is no cassette `{own}` for those that name none; start the session, or start Ferrotape with `-c NAME`"
    )]
    NoneMeant { id: String, own: String },
    /// Somebody makes up names.
    #[error("there are {MOST_SESSIONS} sessions already, and no more are made")]
    TooMany,
}

struct Table<P> {
    /// The last session of each name, whether it runs or has ended.
    by_name: HashMap<Arc<str>, Arc<Session<P>>>,
    /// Who an application id turned out to mean.
    by_app_id: HashMap<String, Arc<Session<P>>>,
    /// All there ever were, in the order of their indices.
    all: Vec<Arc<Session<P>>>,
}

/// The sessions of one run.
pub struct Sessions<S: Stage> {
    stage: S,
    /// The name of the run's own session and cassette.
    own_name: Name,
    own: Option<Arc<Session<S::Part>>>,
    table: RwLock<Table<S::Part>>,
    /// Held while a cassette is opened, so that no session is made twice.
    opening: Mutex<()>,
    /// Why the first session was not started of those that somebody asked for in vain.
    refusal: OnceLock<String>,
}

impl<S: Stage> Sessions<S> {
    /// The sessions of a run whose own cassette is `own_name`; `own` is what its session holds,
    /// where it has one.
    pub fn new(stage: S, own_name: Name, own: Option<S::Part>) -> Sessions<S> {
        let mut table = Table {
            by_name: HashMap::new(),
            by_app_id: HashMap::new(),
            all: Vec::new(),
        };
        let own = own.map(|part| table.add(&own_name, &own_name, part, false));
        Sessions {
            stage,
            own_name,
            own,
            table: RwLock::new(table),
            opening: Mutex::default(),
            refusal: OnceLock::new(),
        }
    }

    /// What the sessions are made of.
    pub fn stage(&self) -> &S {
        &self.stage
    }

    /// The stage and every session there was, when nobody uses them any more.
    pub fn into_parts(self) -> (S, Vec<Arc<Session<S::Part>>>) {
        let table = self.table.into_inner().unwrap_or_else(PoisonError::into_inner);
        (self.stage, table.all)
    }

    /// Every session there was, in the order in which they came about.
    pub fn all(&self) -> Vec<Arc<Session<S::Part>>> {
        self.read().all.clone()
    }

    /// The session with that index.
    pub fn at(&self, index: u32) -> Option<Arc<Session<S::Part>>> {
        self.read().all.get(index as usize).cloned()
    }

    /// The session that a request belongs to. Where that is the run's own, nothing is looked up.
    ///
    /// A cassette is read when its first session comes about, on the thread that asks: it takes
    /// some milliseconds, once.
    pub fn of(&self, arrival: &Arrival, headers: &HeaderMap) -> Result<Arc<Session<S::Part>>, SessionError> {
        let own = self.own_name.as_str();
        match (arrival.session.as_deref(), app_id(headers)) {
            (Some(name), _) if name != own => self.named(name),
            (_, Some(id)) if id != own => self.by_app_id(id),
            _ => self.own(),
        }
    }

    /// Starts a session; the run's own, which is there already, is taken over with what became of its
    /// calls so far.
    pub fn start(&self, name: &Name, cassette: Option<&Name>) -> Result<Arc<Session<S::Part>>, SessionError> {
        let _opening = self.opening();
        if self.own.is_some() && *name == self.own_name && cassette.is_some_and(|cassette| cassette != name) {
            return Err(SessionError::Own(name.to_string()));
        }
        match self.known(name.as_str()) {
            Some(session) if self.is_own(&session) && !session.was_started() => {
                session.started.store(true, Ordering::Relaxed);
                return Ok(session);
            }
            Some(session) if !session.has_ended() => return Err(SessionError::Runs(name.to_string())),
            _ => {}
        }
        self.make(name, cassette, true)
    }

    /// The session of that name, running or ended.
    pub fn find(&self, name: &Name) -> Result<Arc<Session<S::Part>>, SessionError> {
        self.known(name.as_str()).ok_or_else(|| SessionError::Unknown(name.to_string()))
    }

    /// Ends a session: its later calls are refused, and what it leaves is kept, unless its ending says
    /// otherwise.
    pub fn end(&self, name: &Name, ending: Ending) -> Result<Arc<Session<S::Part>>, SessionError> {
        let session = self.find(name)?;
        if self.is_own(&session) && !session.was_started() {
            return Err(SessionError::Own(name.to_string()));
        }
        let had_ended = session.ended.swap(true, Ordering::Relaxed);
        if !had_ended {
            let closed = self.stage.close(&session, ending);
            closed.map_err(|why| SessionError::NotKept {
                session: name.to_string(),
                why,
            })?;
        }
        Ok(session)
    }

    fn is_own(&self, session: &Arc<Session<S::Part>>) -> bool {
        self.own.as_ref().is_some_and(|own| Arc::ptr_eq(own, session))
    }

    fn own(&self) -> Result<Arc<Session<S::Part>>, SessionError> {
        if let Some(own) = self.own.as_ref().filter(|own| !own.has_ended()) {
            return Ok(Arc::clone(own));
        }
        match self.known(self.own_name.as_str()) {
            Some(session) => running(session),
            None => Err(SessionError::NoneNamed(self.own_name.to_string())),
        }
    }

    fn named(&self, text: &str) -> Result<Arc<Session<S::Part>>, SessionError> {
        if let Some(session) = self.known(text) {
            return running(session);
        }
        let name = Name::parse(text).map_err(|error| SessionError::BadName(error.to_string()))?;
        let _opening = self.opening();
        match self.known(text) {
            Some(session) => running(session),
            None => self.make(&name, None, false),
        }
    }

    fn by_app_id(&self, id: &str) -> Result<Arc<Session<S::Part>>, SessionError> {
        if let Some(session) = self.read().by_app_id.get(id) {
            return running(Arc::clone(session));
        }
        let session = self.meant_by_app_id(id)?;
        let mut table = self.write();
        if table.by_app_id.len() >= MOST_APP_IDS {
            table.by_app_id.clear();
        }
        table.by_app_id.insert(id.to_owned(), Arc::clone(&session));
        drop(table);
        running(session)
    }

    /// In a user agent there is no `/`; SDKs write `-` for it.
    fn meant_by_app_id(&self, id: &str) -> Result<Arc<Session<S::Part>>, SessionError> {
        if let Some(session) = self.known(id) {
            return Ok(session);
        }
        let written = |name: &str| name.contains('/') && name.replace('/', "-") == id;
        let table = self.read();
        if let Some((_, session)) = table.by_name.iter().find(|(name, _)| written(name)) {
            return Ok(Arc::clone(session));
        }
        drop(table);
        if Name::parse(id).is_ok_and(|name| self.stage.has(&name)) {
            return self.named(id);
        }
        match self.stage.names().iter().find(|name| written(name.as_str())) {
            Some(name) => self.named(name.as_str()),
            None => self.own().map_err(|error| match error {
                SessionError::NoneNamed(own) => SessionError::NoneMeant { id: id.to_owned(), own },
                other => other,
            }),
        }
    }

    /// Makes a session. Only while `opening` is held.
    fn make(&self, name: &Name, cassette: Option<&Name>, started: bool) -> Result<Arc<Session<S::Part>>, SessionError> {
        if self.read().all.len() >= MOST_SESSIONS {
            return Err(SessionError::TooMany);
        }
        let cassette = match cassette {
            Some(cassette) => cassette,
            None if self.stage.has(name) || self.stage.makes_cassettes() || self.own.is_none() => name,
            None => &self.own_name,
        };
        let part = self.stage.open(cassette, name).map_err(SessionError::NoCassette)?;
        let mut table = self.write();
        table.by_app_id.clear();
        Ok(table.add(name, cassette, part, started))
    }

    fn known(&self, name: &str) -> Option<Arc<Session<S::Part>>> {
        self.read().by_name.get(name).cloned()
    }

    fn opening(&self) -> MutexGuard<'_, ()> {
        self.opening.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, Table<S::Part>> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table<S::Part>> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P> Table<P> {
    fn add(&mut self, name: &Name, cassette: &Name, part: P, started: bool) -> Arc<Session<P>> {
        let name: Arc<str> = name.as_str().into();
        let session = Arc::new(Session {
            label: Label {
                index: self.all.len() as u32,
                session: Arc::clone(&name),
                cassette: cassette.as_str().into(),
            },
            part,
            tally: Tally::default(),
            started: AtomicBool::new(started),
            ended: AtomicBool::new(false),
        });
        self.by_name.insert(name, Arc::clone(&session));
        self.all.push(Arc::clone(&session));
        session
    }
}

fn running<P>(session: Arc<Session<P>>) -> Result<Arc<Session<P>>, SessionError> {
    if session.has_ended() {
        return Err(SessionError::Ended(session.label.session.to_string()));
    }
    Ok(session)
}

/// The application id of a user agent: `app/NAME`.
fn app_id(headers: &HeaderMap) -> Option<&str> {
    let agent = wire::text(headers, USER_AGENT)?;
    let after = match agent.strip_prefix("app/") {
        Some(after) => after,
        None => agent.split_once(" app/")?.1,
    };
    after.split(' ').next().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests;
