use super::*;
use crate::model::load;
use crate::model::schema::Service;
use crate::protocol;
use bytes::Bytes;
use std::sync::Arc;

fn call(service: &Arc<Service>, operation: &str, region: Option<&str>) -> Call {
    Call {
        service: service.clone(),
        operation: service.operation_named(operation).unwrap(),
        protocol: protocol::named("aws.protocols#awsJson1_0").unwrap(),
        region: region.map(str::to_owned),
    }
}

fn request(uri: &str) -> Request {
    http::Request::builder().uri(uri).body(Bytes::new()).unwrap()
}

fn input(members: &[(&str, &str)]) -> Value {
    let member = |(name, value): &(&str, &str)| ((*name).to_owned(), Value::Text((*value).to_owned()));
    Value::Object(members.iter().map(member).collect())
}

fn plain(extra: &str) -> Arc<Service> {
    let model = format!(
        r#"{{"smithy": "2.0", "shapes": {{
            "a#S": {{"type": "service", "version": "1", "operations": [{{"target": "a#Do"}}],
                     "traits": {{"aws.api#service": {{"sdkId": "S", "endpointPrefix": "{extra}"}}}}}},
            "a#Do": {{"type": "operation"}}}}}}"#
    );
    Arc::new(load(model.as_bytes(), "test.json").unwrap().remove(0))
}

fn published(file: &str) -> Option<Arc<Service>> {
    let Some(folder) = std::env::var_os("FERROTAPE_VECTORS") else {
        eprintln!("skipped: FERROTAPE_VECTORS is not set");
        return None;
    };
    let path = std::path::Path::new(&folder).join("models").join(file);
    Some(Arc::new(load(&std::fs::read(path).unwrap(), file).unwrap().remove(0)))
}

fn scope_of(region: &str) -> Option<Scope> {
    let value = format!("AWS4-HMAC-SHA256 Credential=A/20150830/{region}/iam/aws4_request, SignedHeaders=host, Signature=0");
    crate::scope::from_authorization(&value)
}

fn preferring(variables: &[(&str, &str)]) -> Preferences {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Preferences::from_environment(&environment, None)
}

fn uri(call: &Call, path: &str, input: &Value, preferences: &Preferences) -> Result<String, AddressError> {
    let request = request(&format!("http://127.0.0.1:9000{path}"));
    Address::at_aws(call, &request, input, None, preferences).map(|address| address.uri.to_string())
}

#[test]
fn a_service_without_rules_has_the_usual_host() {
    let service = plain("proton");
    let found = uri(
        &call(&service, "Do", Some("cn-north-1")),
        "/?a=b",
        &Value::Null,
        &Preferences::default(),
    );
    assert_eq!(found, Ok("https://proton.cn-north-1.amazonaws.com.cn/?a=b".to_owned()));
}

#[test]
fn a_call_without_a_region_goes_to_the_runs_own() {
    let service = plain("sso");
    let call = call(&service, "Do", None);
    let found = |variables: &[(&str, &str)]| uri(&call, "/", &Value::Null, &preferring(variables));
    assert_eq!(
        found(&[("AWS_DEFAULT_REGION", "eu-west-1"), ("AWS_REGION", "")]),
        Ok("https://sso.eu-west-1.amazonaws.com/".to_owned())
    );
    assert_eq!(
        found(&[("AWS_REGION", "evil.example/")]),
        Err(AddressError::Endpoint(EndpointError::NoRegion))
    );
}

#[test]
fn fips_and_dual_stack_are_the_runs_choice() {
    let service = plain("kms");
    let call = call(&service, "Do", Some("us-east-2"));
    let found = |variables: &[(&str, &str)]| uri(&call, "/", &Value::Null, &preferring(variables)).unwrap();
    assert_eq!(
        found(&[("AWS_USE_FIPS_ENDPOINT", "true")]),
        "https://kms-fips.us-east-2.amazonaws.com/"
    );
    assert_eq!(found(&[("AWS_USE_DUALSTACK_ENDPOINT", "True")]), "https://kms.us-east-2.api.aws/");
    assert_eq!(found(&[("AWS_USE_FIPS_ENDPOINT", "false")]), "https://kms.us-east-2.amazonaws.com/");
}

#[test]
fn a_global_service_is_signed_for_its_own_region() {
    let service = plain("iam");
    let at = |region: Option<&str>, scope: Option<Scope>| {
        let call = call(&service, "Do", region);
        let request = request("http://127.0.0.1:9000/");
        let found = Address::at_aws(&call, &request, &Value::Null, scope.as_ref(), &Preferences::default()).unwrap();
        (found.uri.to_string(), found.signing_region)
    };
    let global = ("https://iam.amazonaws.com/".to_owned(), Some("us-east-1".to_owned()));
    assert_eq!(at(Some("eu-west-1"), scope_of("eu-west-1")), global);
    assert_eq!(at(None, scope_of("aws-global")), global);
}

#[test]
fn a_host_that_is_not_of_aws_is_never_called() {
    let service = plain("evil.example/");
    let found = uri(&call(&service, "Do", Some("us-east-1")), "/", &Value::Null, &Preferences::default());
    assert!(matches!(found, Err(AddressError::NotAws(_))), "{found:?}");
}

#[test]
fn a_bucket_stays_in_the_path_where_it_may() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let call = call(&service, "GetObject", Some("eu-west-1"));
    let found = |path: &str, bucket: &str| uri(&call, path, &input(&[("Bucket", bucket), ("Key", "a b")]), &Preferences::default());
    assert_eq!(
        found("/my-bucket/a%20b?x-id=GetObject", "my-bucket"),
        Ok("https://s3.eu-west-1.amazonaws.com/my-bucket/a%20b?x-id=GetObject".to_owned())
    );
    assert_eq!(
        found("/my%2Dbucket/my-bucket/x", "my-bucket"),
        Ok("https://s3.eu-west-1.amazonaws.com/my%2Dbucket/my-bucket/x".to_owned())
    );
    assert_eq!(
        found("/my-bucket", "my-bucket"),
        Ok("https://s3.eu-west-1.amazonaws.com/my-bucket".to_owned())
    );
}

#[test]
fn a_bucket_moves_to_the_host_where_it_must() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let call = call(&service, "GetObject", Some("us-west-2"));
    let bucket = "mine--usw2-az1--x-s3";
    let found = uri(
        &call,
        &format!("/{bucket}/key?a=b"),
        &input(&[("Bucket", bucket)]),
        &Preferences::default(),
    );
    assert_eq!(
        found,
        Ok(format!("https://{bucket}.s3express-usw2-az1.us-west-2.amazonaws.com/key?a=b"))
    );
}

#[test]
fn a_directory_bucket_is_made_and_listed_at_the_control_plane_and_used_in_its_zone() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let bucket = "mine--use1-az4--x-s3";
    for (operation, path, wanted) in [
        (
            "CreateBucket",
            format!("/{bucket}"),
            format!("https://s3express-control.us-east-1.amazonaws.com/{bucket}"),
        ),
        (
            "ListDirectoryBuckets",
            "/".to_owned(),
            "https://s3express-control.us-east-1.amazonaws.com/".to_owned(),
        ),
        (
            "CreateSession",
            format!("/{bucket}?session"),
            format!("https://{bucket}.s3express-use1-az4.us-east-1.amazonaws.com/?session"),
        ),
        (
            "GetObject",
            format!("/{bucket}//a%2Fb"),
            format!("https://{bucket}.s3express-use1-az4.us-east-1.amazonaws.com//a%2Fb"),
        ),
    ] {
        let call = call(&service, operation, Some("us-east-1"));
        let members: &[(&str, &str)] = if operation == "ListDirectoryBuckets" {
            &[]
        } else {
            &[("Bucket", bucket)]
        };
        let request = request(&format!("http://127.0.0.1:9000{path}"));
        let found = Address::at_aws(&call, &request, &input(members), None, &Preferences::default()).unwrap();
        assert_eq!(found.uri.to_string(), wanted);
        assert_eq!(found.without_names, path.as_str());
    }
}

#[test]
fn a_bucket_in_the_clients_host_is_in_ours() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let call = call(&service, "GetObject", Some("us-west-2"));
    let request = request("http://my-bucket.localhost:9000/my-bucket/x");
    let found = Address::at_aws(&call, &request, &input(&[("Bucket", "my-bucket")]), None, &Preferences::default());
    let found = found.unwrap();
    assert_eq!(found.uri, "https://my-bucket.s3.us-west-2.amazonaws.com/my-bucket/x");
    assert_eq!(found.without_names, "/my-bucket/my-bucket/x");
}

#[test]
fn a_bucket_of_any_legal_name_is_named_once_and_its_key_keeps_its_bytes() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let call = call(&service, "GetObject", Some("us-west-2"));
    let long = "a".repeat(63);
    for bucket in [
        "plain",
        "abc",
        "xn",
        "aa.bb.cc",
        "www.example.com",
        "123.456.789",
        "192.168.1x.com",
        "us-east-1",
        "s3.foo.bar",
        "my.s3.us-east-1",
        "vpce-1a",
        "name-s3alias",
        "my_bucket",
        "MyBucket",
        &long,
    ] {
        for key in [
            "k",
            "/lead",
            "a//b",
            "a/./b/../c",
            "%2F%252F",
            "p+q%20r",
            &format!("{bucket}/k"),
            "?versionId=1",
            "k?a=/b/",
        ] {
            let path = format!("/{bucket}/{key}");
            let found = uri(&call, &path, &input(&[("Bucket", bucket)]), &Preferences::default());
            assert_eq!(found, Ok(format!("https://s3.us-west-2.amazonaws.com{path}")));
        }
    }
}

#[test]
fn what_only_sigv4a_can_sign_is_told() {
    let Some(service) = published("s3-2006-03-01.json") else { return };
    let call = call(&service, "GetObject", Some("us-west-2"));
    let arn = "arn:aws:s3::123456789012:accesspoint:mfzwi23gnjvgw.mrap";
    let found = Address::at_aws(
        &call,
        &request("http://127.0.0.1:9000/x"),
        &input(&[("Bucket", arn)]),
        None,
        &Preferences::default(),
    );
    let found = found.unwrap();
    assert_eq!(
        (found.uri.host(), found.asymmetric),
        (Some("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com"), true)
    );
}

#[test]
fn a_bucket_ends_where_its_segment_ends() {
    assert_eq!(without_bucket("/bucket/key", "bucket").as_deref(), Some("/key"));
    assert_eq!(without_bucket("/bucket//key", "bucket").as_deref(), Some("//key"));
    assert_eq!(without_bucket("/bucket?acl", "bucket").as_deref(), Some("/?acl"));
    assert_eq!(without_bucket("/my%2Dbucket", "my-bucket").as_deref(), Some("/"));
    assert_eq!(without_bucket("/bucketeer", "bucket"), None);
    assert_eq!(without_bucket("/", "bucket"), None);
}
