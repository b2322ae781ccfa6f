use super::*;

const SUFFIXES: &[&str] = &["amazonaws.com", "api.aws"];

fn files() -> Files {
    Files::at(Path::new("/run/ferrotape"))
}

fn changed(mode: Mode, door: Door, parent: &[(&str, &str)], adjust: impl FnOnce(&mut Setup<'_>)) -> BTreeMap<String, Option<String>> {
    let keys = KeyPair {
        access_key_id: "AKIARUN".to_owned(),
        secret_access_key: "run-secret".to_owned(),
    };
    let files = files();
    let mut setup = Setup {
        mode,
        door,
        address: ([127, 0, 0, 1], 4040).into(),
        session: "shop/checkout",
        session_in_path: false,
        token: "token",
        keys: &keys,
        files: &files,
        region: Some("us-east-1"),
        profile_region: None,
        profile_has_bundle: false,
        pass_through: &[],
        has_credentials: true,
        aws_suffixes: SUFFIXES,
    };
    adjust(&mut setup);
    let parent = parent.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    changes(&setup, &parent)
        .into_iter()
        .map(|Variable { name, value }| (name, value))
        .collect()
}

fn set(value: &str) -> Option<Option<String>> {
    Some(Some(value.to_owned()))
}

#[test]
fn both_doors_are_shown_with_the_run_s_own_keys() {
    let got = changed(Mode::Record, Door::Both, &[("AWS_PROFILE", "work")], |_| {});
    assert_eq!(got.get("AWS_ENDPOINT_URL").cloned(), set("http://127.0.0.1:4040"));
    for name in ["HTTPS_PROXY", "https_proxy"] {
        assert_eq!(got.get(name).cloned(), set("http://shop%2Fcheckout:token@127.0.0.1:4040"));
    }
    assert_eq!(got.get("AWS_ACCESS_KEY_ID").cloned(), set("AKIARUN"));
    assert_eq!(got.get("AWS_SECRET_ACCESS_KEY").cloned(), set("run-secret"));
    for name in [
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
    ] {
        assert_eq!(got.get(name).cloned(), Some(None), "{name}");
    }
    assert_eq!(got.get("REQUESTS_CA_BUNDLE").cloned(), set("/run/ferrotape/bundle.pem"));
    assert_eq!(got.get("NODE_EXTRA_CA_CERTS").cloned(), set("/run/ferrotape/node.pem"));
    assert_eq!(got.get("AWS_SDK_UA_APP_ID").cloned(), set("shop-checkout"));
}

#[test]
fn the_intercept_door_leaves_the_child_s_credentials_alone_in_record() {
    let parent = [
        ("AWS_PROFILE", "work"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1"),
    ];
    let got = changed(Mode::Record, Door::Intercept, &parent, |_| {});
    for name in [
        "AWS_ENDPOINT_URL",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_EC2_METADATA_DISABLED",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ] {
        assert!(!got.contains_key(name), "{name}");
    }
    assert!(got.contains_key("HTTPS_PROXY"));
}

#[test]
fn the_intercept_door_gives_the_run_s_keys_where_there_are_no_others() {
    let got = changed(Mode::Record, Door::Intercept, &[], |setup| setup.has_credentials = false);
    assert_eq!(got.get("AWS_ACCESS_KEY_ID").cloned(), set("AKIARUN"));
    assert_eq!(got.get("AWS_SECRET_ACCESS_KEY").cloned(), set("run-secret"));
    assert!(!got.contains_key("AWS_ENDPOINT_URL"));
}

#[test]
fn replay_gives_the_run_s_keys_whatever_the_door() {
    for door in [Door::Both, Door::Endpoint, Door::Intercept] {
        let got = changed(Mode::Replay, door, &[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/x")], |_| {});
        assert_eq!(got.get("AWS_ACCESS_KEY_ID").cloned(), set("AKIARUN"));
        assert_eq!(got.get("AWS_SESSION_TOKEN").cloned(), Some(None));
        assert_eq!(got.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI").cloned(), Some(None));
        assert_eq!(got.get("AWS_EC2_METADATA_DISABLED").cloned(), set("true"));
        assert_eq!(got.get("AWS_DEFAULT_REGION").cloned(), set("us-east-1"));
    }
}

#[test]
fn the_endpoint_door_alone_touches_neither_proxies_nor_trust() {
    let got = changed(Mode::Record, Door::Endpoint, &[("HTTPS_PROXY", "http://corporate:3128")], |_| {});
    for name in [
        "HTTPS_PROXY",
        "https_proxy",
        "AWS_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
        "NODE_OPTIONS",
        "JAVA_TOOL_OPTIONS",
    ] {
        assert!(!got.contains_key(name), "{name}");
    }
    assert_eq!(
        got.get("NO_PROXY").cloned(),
        set("127.0.0.1,localhost,::1,169.254.169.254,169.254.170.2")
    );
}

#[test]
fn a_named_session_is_the_first_segment_of_the_endpoint() {
    let got = changed(Mode::Replay, Door::Both, &[], |setup| setup.session_in_path = true);
    assert_eq!(got.get("AWS_ENDPOINT_URL").cloned(), set("http://127.0.0.1:4040/@shop%2Fcheckout"));
}

#[test]
fn a_server_that_listens_everywhere_is_dialled_at_loopback() {
    let got = changed(Mode::Replay, Door::Both, &[], |setup| setup.address = "[::]:80".parse().unwrap());
    assert_eq!(got.get("AWS_ENDPOINT_URL").cloned(), set("http://[::1]:80"));
}

#[test]
fn hosts_that_the_parent_reaches_directly_stay_so_unless_they_are_of_aws() {
    let parent = [
        ("NO_PROXY", "internal, .amazonaws.com,localhost"),
        ("no_proxy", "10.0.0.1:8080,vpce-1.sqs.amazonaws.com,com"),
    ];
    let got = changed(Mode::Record, Door::Both, &parent, |_| {});
    let expected = "10.0.0.1:8080,internal,localhost,127.0.0.1,::1,169.254.169.254,169.254.170.2,.localhost,127.0.0.0/8,";
    for name in ["NO_PROXY", "no_proxy"] {
        assert!(got[name].as_ref().unwrap().starts_with(expected), "{name}: {:?}", got[name]);
    }
    let got = changed(Mode::Record, Door::Endpoint, &[("NO_PROXY", ".amazonaws.com")], |_| {});
    assert!(got["NO_PROXY"].as_ref().unwrap().starts_with(".amazonaws.com,"));
    assert!(covers_aws("*", SUFFIXES) && covers_aws("*.API.aws", SUFFIXES) && !covers_aws("notamazonaws.com", SUFFIXES));
}

#[test]
fn endpoints_of_single_services_are_cleared() {
    let parent = [
        ("AWS_ENDPOINT_URL_PROTON", "http://elsewhere"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ];
    let got = changed(Mode::Record, Door::Both, &parent, |_| {});
    assert_eq!(got.get("AWS_ENDPOINT_URL_PROTON").cloned(), Some(None));
    assert_eq!(got.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").cloned(), Some(None));
}

#[test]
fn endpoints_of_the_user_lead_past_the_proxy_only_in_record() {
    let parent = [("AWS_ENDPOINT_URL", "http://emulator")];
    let name = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
    assert_eq!(
        changed(Mode::Replay, Door::Intercept, &parent, |_| {}).get(name).cloned(),
        set("true")
    );
    assert_eq!(changed(Mode::Record, Door::Intercept, &parent, |_| {}).get(name), None);
}

#[test]
fn options_of_the_parent_are_kept_and_paths_with_spaces_quoted() {
    let parent = [
        ("NODE_OPTIONS", "--enable-source-maps"),
        ("RUBYOPT", "-w"),
        ("JAVA_TOOL_OPTIONS", "-Xmx1g"),
    ];
    let got = changed(Mode::Record, Door::Both, &parent, |_| {});
    assert_eq!(
        got.get("NODE_OPTIONS").cloned(),
        set("--enable-source-maps --require=/run/ferrotape/node-preload.cjs")
    );
    assert_eq!(got.get("RUBYOPT").cloned(), set("-w -r/run/ferrotape/ruby-preload.rb"));
    let java = "-Xmx1g -Djavax.net.ssl.trustStore=/run/ferrotape/roots.jks -Djavax.net.ssl.trustStoreType=JKS";
    assert_eq!(got.get("JAVA_TOOL_OPTIONS").cloned(), set(java));
    assert_eq!(quoted_for_node("/a b/\"c\\.cjs"), r#""/a b/\"c\\.cjs""#);
    assert_eq!(quoted_for_java("/a b/c.jks"), "\"/a b/c.jks\"");
}

#[test]
fn each_region_variable_speaks_for_the_other() {
    let got = changed(Mode::Replay, Door::Both, &[("AWS_REGION", "eu-west-1")], |_| {});
    assert_eq!(got.get("AWS_REGION"), None);
    assert_eq!(got.get("AWS_DEFAULT_REGION").cloned(), set("eu-west-1"));
    let got = changed(
        Mode::Replay,
        Door::Both,
        &[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "us-west-2")],
        |_| {},
    );
    assert!(!got.contains_key("AWS_REGION") && !got.contains_key("AWS_DEFAULT_REGION"));
}

#[test]
fn the_profile_s_region_outlives_the_profile_and_wins_over_the_given_one() {
    let got = changed(Mode::Record, Door::Both, &[], |setup| setup.profile_region = Some("sa-east-1"));
    assert_eq!(got.get("AWS_REGION").cloned(), set("sa-east-1"));
    let got = changed(Mode::Record, Door::Intercept, &[], |setup| setup.profile_region = Some("sa-east-1"));
    assert!(!got.contains_key("AWS_REGION"), "the profile itself is still there");
}

#[test]
fn hosts_that_are_passed_through_are_in_both_lists() {
    let passed: &'static [DirectHost] = vec![DirectHost::parse("registry.example", SUFFIXES).unwrap()].leak();
    for door in [Door::Both, Door::Endpoint, Door::Intercept] {
        for mode in [Mode::Record, Mode::Replay] {
            let got = changed(mode, door, &[], |setup| setup.pass_through = passed);
            for name in ["NO_PROXY", "no_proxy"] {
                let list = got[name].clone().unwrap();
                assert!(list.contains(",registry.example,.registry.example"), "{door:?} {list}");
            }
        }
    }
}

#[test]
fn only_who_has_a_bundle_for_aws_gets_ours_in_its_place() {
    let name = "AWS_CA_BUNDLE";
    let bundle = set("/run/ferrotape/bundle.pem");
    for door in [Door::Both, Door::Intercept] {
        assert_eq!(changed(Mode::Record, door, &[], |_| {}).get(name), None);
        assert_eq!(
            changed(Mode::Record, door, &[(name, "/etc/corp.pem")], |_| {}).get(name).cloned(),
            bundle
        );
        let of_profile = changed(Mode::Replay, door, &[], |setup| setup.profile_has_bundle = true);
        assert_eq!(of_profile.get(name).cloned(), bundle);
    }
    assert_eq!(
        changed(Mode::Record, Door::Endpoint, &[(name, "/etc/corp.pem")], |_| {}).get(name),
        None
    );
}

#[test]
fn plain_http_is_allowed_where_our_endpoint_is_shown() {
    let name = "AWS_ALLOW_HTTP";
    assert_eq!(changed(Mode::Replay, Door::Both, &[], |_| {}).get(name).cloned(), set("true"));
    assert_eq!(changed(Mode::Replay, Door::Intercept, &[], |_| {}).get(name), None);
}

#[test]
fn the_telemetry_of_aws_s_tools_is_off() {
    for door in [Door::Both, Door::Endpoint, Door::Intercept] {
        let got = changed(Mode::Record, door, &[("SAM_CLI_TELEMETRY", "1")], |_| {});
        assert_eq!(got.get("SAM_CLI_TELEMETRY").cloned(), set("0"));
        assert_eq!(got.get("CDK_DISABLE_CLI_TELEMETRY").cloned(), set("true"));
        assert_eq!(got.get("AMPLIFY_DISABLE_TELEMETRY").cloned(), set("true"));
    }
}

#[test]
fn java_s_exceptions_are_extended_where_its_proxy_options_are_set_already() {
    let options = |parent: &str| {
        let got = changed(Mode::Record, Door::Both, &[("JAVA_TOOL_OPTIONS", parent)], |_| {});
        got["JAVA_TOOL_OPTIONS"].clone().unwrap()
    };
    assert!(!options("-Xmx1g").contains("nonProxyHosts"));
    let extended = options("-Dhttps.proxyHost=corp -Dhttp.nonProxyHosts=*.corp");
    assert!(
        extended.contains(" -Dhttp.nonProxyHosts=*.corp|localhost|*.localhost|[::1]|127.*|10.*|"),
        "{extended}"
    );
}

#[test]
fn exports_survive_any_shell_character() {
    let variables = [
        Variable {
            name: "A".to_owned(),
            value: Some("it's $HOME `x` \"y\"".to_owned()),
        },
        Variable {
            name: "B".to_owned(),
            value: None,
        },
    ];
    assert_eq!(exports(&variables), "export A='it'\\''s $HOME `x` \"y\"'\nunset B\n");
}

#[test]
fn a_key_pair_never_shows_its_secret() {
    let keys = KeyPair {
        access_key_id: "AKIARUN".to_owned(),
        secret_access_key: "run-secret".to_owned(),
    };
    assert!(!format!("{keys:?}").contains("run-secret"));
}
