use super::*;
use crate::proxy::Door;
use http::HeaderValue;

/// Cassettes `shop` and `books`; a part tells how many were opened before it.
#[derive(Default)]
struct Two {
    opened: Mutex<Vec<String>>,
    makes: bool,
}

impl Stage for Two {
    type Part = String;

    fn mode(&self) -> &'static str {
        "replay"
    }

    fn has(&self, cassette: &Name) -> bool {
        ["shop", "books", "team/books"].contains(&cassette.as_str())
    }

    fn names(&self) -> Vec<Name> {
        ["shop", "books", "team/books"].map(name).to_vec()
    }

    fn makes_cassettes(&self) -> bool {
        self.makes
    }

    fn open(&self, cassette: &Name, _: &Name) -> Result<String, String> {
        if !self.has(cassette) && !self.makes {
            return Err(format!("no cassette `{cassette}`"));
        }
        self.opened.lock().unwrap().push(cassette.to_string());
        Ok(cassette.to_string())
    }

    fn unplayed(&self, _: &String) -> Vec<Unplayed> {
        Vec::new()
    }
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

fn sessions(makes: bool) -> Sessions<Two> {
    let stage = Two { makes, ..Two::default() };
    Sessions::new(stage, name("shop"), Some("shop".to_owned()))
}

/// The session and cassette of a request that names a session so, and has this user agent.
fn of(sessions: &Sessions<Two>, named: Option<&str>, agent: &'static str) -> String {
    let arrival = Arrival {
        door: Door::Endpoint,
        session: named.map(str::to_owned),
        token: None,
        signed_path: None,
    };
    let headers = HeaderMap::from_iter([(USER_AGENT, HeaderValue::from_static(agent))]);
    match sessions.of(&arrival, &headers) {
        Ok(session) => format!("{}:{}", session.label.session, session.label.cassette),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_request_that_names_no_session_belongs_to_the_run_s_own() {
    let sessions = sessions(false);
    assert_eq!(of(&sessions, None, "Boto3/1"), "shop:shop");
    assert_eq!(of(&sessions, Some("shop"), "Boto3/1 app/shop"), "shop:shop");
    assert!(sessions.stage().opened.lock().unwrap().is_empty(), "nothing is looked up for it");
}

#[test]
fn a_path_or_proxy_user_names_a_session_that_comes_about_once() {
    let sessions = sessions(false);
    for _ in 0..2 {
        assert_eq!(of(&sessions, Some("books"), ""), "books:books");
        assert_eq!(of(&sessions, Some("test-1"), ""), "test-1:shop");
    }
    assert_eq!(*sessions.stage().opened.lock().unwrap(), ["books", "shop"]);
    assert_eq!(sessions.all().len(), 3);
}

#[test]
fn a_recording_makes_the_cassette_of_a_session_s_name() {
    let sessions = sessions(true);
    assert_eq!(of(&sessions, Some("test-1"), ""), "test-1:test-1");
    assert_eq!(of(&sessions, None, "app/test-2"), "shop:shop", "an application id makes none");
}

#[test]
fn an_application_id_counts_only_where_it_names_a_session_or_a_cassette() {
    let sessions = sessions(false);
    assert_eq!(of(&sessions, None, "Boto3/1 md/x app/books"), "books:books");
    assert_eq!(of(&sessions, None, "app/own-reasons ua/2.0"), "shop:shop");
    sessions.start(&name("own-reasons"), None).unwrap();
    assert_eq!(of(&sessions, None, "app/own-reasons ua/2.0"), "own-reasons:shop");
    assert_eq!(of(&sessions, Some("books"), "app/own-reasons"), "books:books", "a path says more");
    assert_eq!(
        of(&sessions, Some("shop"), "app/own-reasons"),
        "own-reasons:shop",
        "the child's own proxy user says nothing"
    );
    assert_eq!(of(&sessions, None, "application/x myapp/books"), "shop:shop");
}

#[test]
fn an_application_id_has_a_dash_for_each_slash() {
    let sessions = sessions(false);
    sessions.start(&name("team/t1"), Some(&name("books"))).unwrap();
    assert_eq!(of(&sessions, None, "app/team-t1"), "team/t1:books");
    assert_eq!(
        of(&sessions, None, "app/team-books"),
        "team/books:team/books",
        "of a cassette that nobody started, too"
    );
}

#[test]
fn a_session_that_has_ended_answers_nothing_until_it_is_started_again() {
    let sessions = sessions(false);
    let first = sessions.start(&name("t1"), Some(&name("books"))).unwrap();
    assert_eq!(of(&sessions, Some("t1"), ""), "t1:books");
    assert_eq!(of(&sessions, None, "app/t1"), "t1:books");
    assert!(matches!(sessions.start(&name("t1"), None), Err(SessionError::Runs(_))));
    sessions.end(&name("t1"), Ending::Passed).unwrap();
    let ended = "session `t1` has ended; start it again with a POST to `/_ferrotape/sessions`";
    assert_eq!(of(&sessions, Some("t1"), ""), ended);
    assert_eq!(of(&sessions, None, "app/t1"), ended);
    let second = sessions.start(&name("t1"), None).unwrap();
    assert_eq!(of(&sessions, Some("t1"), ""), "t1:shop");
    assert_ne!(first.label.index, second.label.index);
}

#[test]
fn what_is_not_there_is_told() {
    let sessions = sessions(false);
    assert!(matches!(sessions.find(&name("t1")), Err(SessionError::Unknown(_))));
    assert!(matches!(sessions.end(&name("shop"), Ending::Passed), Err(SessionError::Own(_))));
    let missing = sessions.start(&name("t1"), Some(&name("bokos"))).map(drop);
    assert_eq!(missing, Err(SessionError::NoCassette("no cassette `bokos`".to_owned())));
    assert!(of(&sessions, Some("a.json"), "").contains("a name has no `.json`"));
}

#[test]
fn the_run_s_own_session_is_taken_over_by_who_starts_it() {
    let sessions = sessions(false);
    assert!(matches!(
        sessions.start(&name("shop"), Some(&name("books"))),
        Err(SessionError::Own(_))
    ));
    let own = sessions.start(&name("shop"), None).unwrap();
    assert!(own.was_started() && own.label.index == 0);
    assert!(matches!(sessions.start(&name("shop"), None), Err(SessionError::Runs(_))));
    sessions.end(&name("shop"), Ending::Passed).unwrap();
    assert!(of(&sessions, None, "").contains("`shop` has ended"));
    let again = sessions.start(&name("shop"), Some(&name("shop"))).unwrap();
    assert_eq!((again.label.index, of(&sessions, None, "")), (1, "shop:shop".to_owned()));
}

#[test]
fn without_a_cassette_of_its_own_a_run_serves_those_that_are_named() {
    let sessions = Sessions::new(Two::default(), name("default"), None);
    assert_eq!(of(&sessions, Some("books"), ""), "books:books");
    assert_eq!(of(&sessions, Some("other"), ""), "no cassette `other`");
    let none = "the request names no session: its application id `other` is neither that of a started session nor the name of a cassette";
    assert!(of(&sessions, None, "app/other").starts_with(none));
    assert!(of(&sessions, None, "").starts_with("the request names no session, and there is no cassette `default`"));
}
