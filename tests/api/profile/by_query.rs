//! Listing the profiles of a tenant that match a query.

use serde_json::json;

use crate::profile::seed::{
    ADMIN, ANNA, BEN, BEN_JSON, CARL, DORA, READER, ask, assert_ids, assert_json, get, seed, server,
};
use crate::support::client::Response;
use crate::support::server::{Server, Setup};

fn by_query(server: &Server, query: &str) -> Response {
    ask(server, ADMIN, "by_query", query)
}

fn by_query_with(server: &Server, query: &str, more: &[(&str, &str)]) -> Response {
    let parameters = [&[("tenantName", "corp"), ("query", query)], more].concat();
    get(server, ADMIN, "by_query", &parameters)
}

#[test]
fn the_profiles_that_match_are_listed_by_username() {
    let server = server();
    for (query, expected) in [
        // All.
        ("", &[ANNA, BEN, CARL][..]),
        ("  ", &[ANNA, BEN, CARL]),
        ("{}", &[ANNA, BEN, CARL]),
        // The fields of profiles.
        (r#"{"username":"carl"}"#, &[CARL]),
        (r#"{"email":"anna@example.com"}"#, &[ANNA]),
        (r#"{"email":""}"#, &[BEN, CARL]),
        (r#"{"verified":true}"#, &[ANNA]),
        (r#"{"enabled":false}"#, &[BEN]),
        (r#"{"createdOn":{"$lte":{"$date":1000}}}"#, &[ANNA]),
        (
            r#"{"lastModified":{"$date":"1970-01-01T00:00:02Z"}}"#,
            &[ANNA],
        ),
        (
            "{createdOn:{$gt:ISODate('2017-01-01T00:00:00Z')}}",
            &[BEN, CARL],
        ),
        ("{roles:'USER'}", &[ANNA, CARL]),
        ("{roles:['USER','ADMIN']}", &[ANNA]),
        ("{roles:{$all:['ADMIN','USER']}}", &[ANNA]),
        ("{_id:ObjectId('60a000000000000000000002')}", &[BEN]),
        (r#"{"_id":{"$oid":"60A000000000000000000002"}}"#, &[BEN]),
        ("{_id:'60a000000000000000000002'}", &[]),
        // Attributes.
        ("{'attributes.age':44}", &[ANNA]),
        ("{'attributes.age':{$lt:44.5}}", &[ANNA, CARL]),
        ("{'attributes.name':/^car/i}", &[CARL]),
        ("{'attributes.tree.h.i':1}", &[ANNA]),
        ("{'attributes.tree.list.l':4}", &[ANNA]),
        ("{'attributes.tree.list':3}", &[ANNA]),
        ("{'attributes.tree.list.0.k':1}", &[ANNA]),
        ("{'attributes.age':{$exists:false}}", &[BEN]),
        ("{'attributes.age':null}", &[BEN]),
        // What was never set is no field.
        ("{roles:{$exists:false}}", &[BEN]),
        ("{roles:{$size:0}}", &[]),
        ("{roles:null}", &[BEN]),
        ("{attributes:{$exists:true}}", &[ANNA, CARL]),
        ("{nothing:null}", &[ANNA, BEN, CARL]),
        ("{nothing:1}", &[]),
        // Several conditions.
        (
            "{roles:'USER',enabled:true,'attributes.age':{$gte:7,$lt:40}}",
            &[CARL],
        ),
        ("{$or:[{username:'ben'},{username:'anna'}]}", &[ANNA, BEN]),
        ("{$nor:[{username:'ben'},{roles:'ADMIN'}]}", &[CARL]),
        ("{username:{$ne:'ben'},roles:{$nin:['ADMIN']}}", &[CARL]),
        ("{username:{$not:/^.n/}}", &[BEN, CARL]),
    ] {
        let response = by_query(&server, query);
        assert_eq!(response.status, 200, "{query}: {response:?}");
        assert_ids(&response, expected);
        let count = ask(&server, ADMIN, "count_by_query", query);
        assert_json(&count, &expected.len().to_string());
    }
    let profile = by_query(&server, "{username:'ben'}");
    assert_json(&profile, &format!("[{BEN_JSON}]"));
}

#[test]
fn usernames_and_ids_are_looked_up() {
    let server = server();
    for (query, expected) in [
        ("{username:'ben'}", &[BEN][..]),
        ("{username:{$eq:'ben'}}", &[BEN]),
        ("{username:'Ben'}", &[]),
        ("{username:'dora'}", &[]),
        ("{username:''}", &[]),
        (
            "{username:{$in:['carl','anna','carl','dora','x',1,null]}}",
            &[ANNA, CARL],
        ),
        ("{username:{$in:[]}}", &[]),
        ("{username:/^b/}", &[BEN]),
        ("{username:{$regex:'^be'}}", &[BEN]),
        ("{username:/^/}", &[ANNA, BEN, CARL]),
        ("{username:/^B/i}", &[BEN]),
        ("{username:/^an|^be/}", &[ANNA, BEN]),
        ("{username:/^z/}", &[]),
        ("{$and:[{username:'ben'},{username:'carl'}]}", &[]),
        ("{$and:[{username:/^b/},{enabled:false}]}", &[BEN]),
        ("{username:'ben',enabled:true}", &[]),
        ("{username:'anna','attributes.age':44}", &[ANNA]),
        (
            "{$or:[{username:'ben'},{'attributes.age':7}]}",
            &[BEN, CARL],
        ),
        (
            "{_id:{$in:[{$oid:'60a000000000000000000003'},{$oid:'60a000000000000000000001'}]}}",
            &[ANNA, CARL],
        ),
        (
            "{_id:{$in:[ObjectId('60a000000000000000000003')]},username:/^a/}",
            &[],
        ),
        // One of another tenant.
        ("{_id:ObjectId('60a000000000000000000004')}", &[]),
        ("{_id:ObjectId('60a0000000000000000000ff')}", &[]),
        (
            "{_id:{$gt:ObjectId('60a000000000000000000001')}}",
            &[BEN, CARL],
        ),
    ] {
        let response = by_query(&server, query);
        assert_eq!(response.status, 200, "{query}: {response:?}");
        assert_ids(&response, expected);
        let count = ask(&server, ADMIN, "count_by_query", query);
        assert_json(&count, &expected.len().to_string());
    }
    // By username, in whichever order they were found.
    server.update_profile(ANNA, |profile| profile.username = "zoe".to_owned());
    let ids = format!("{{_id:{{$in:[{{$oid:'{ANNA}'}},{{$oid:'{BEN}'}},{{$oid:'{DORA}'}}]}}}}");
    assert_ids(&by_query(&server, &ids), &[BEN, ANNA]);
    assert_ids(
        &by_query(&server, "{username:{$in:['zoe','ben']}}"),
        &[BEN, ANNA],
    );
    assert_ids(&by_query(&server, "{username:'anna'}"), &[]);
    server.delete_profile(BEN);
    assert_ids(&by_query(&server, &ids), &[ANNA]);
    assert_ids(&by_query(&server, "{username:/^b/}"), &[]);
}

#[test]
fn a_list_has_a_start_and_a_count() {
    let server = server();
    for query in ["{}", "{enabled:{$exists:true}}", "{username:/a|e/}"] {
        for (start, count, expected) in [
            ("0", "2", &[ANNA, BEN][..]),
            ("1", "2", &[BEN, CARL]),
            ("3", "2", &[]),
            ("1", "0", &[BEN, CARL]),
            ("1", "", &[BEN, CARL]),
            ("0", "-2", &[ANNA, BEN]),
            ("-1", "1", &[ANNA]),
            // `count` is ignored without `start`.
            ("", "1", &[ANNA, BEN, CARL]),
        ] {
            let more = [("start", start), ("count", count)];
            assert_ids(&by_query_with(&server, query, &more), expected);
        }
    }
    assert_ids(
        &by_query_with(&server, "{}", &[("count", "1")]),
        &[ANNA, BEN, CARL],
    );
    for name in ["start", "count"] {
        by_query_with(&server, "{}", &[(name, "x")]).assert_bad_parameter(name);
    }
}

#[test]
fn a_list_is_sorted_by_any_field_but_secrets() {
    let server = server();
    let query = "{enabled:{$in:[true,false]}}";
    let sorted = |by, order| by_query_with(&server, query, &[("sortBy", by), ("sortOrder", order)]);
    for (by, ascending) in [
        ("username", [ANNA, BEN, CARL]),
        ("email", [BEN, CARL, ANNA]),
        ("attributes.age", [BEN, CARL, ANNA]),
        // An attribute that the caller may not read.
        ("attributes.secret", [BEN, CARL, ANNA]),
    ] {
        assert_ids(&sorted(by, "ASC"), &ascending);
    }
    assert_ids(&sorted("username", ""), &[CARL, BEN, ANNA]);
    let ids = format!("{{_id:{{$in:[ObjectId('{ANNA}'),ObjectId('{CARL}')]}}}}");
    assert_ids(
        &by_query_with(&server, &ids, &[("sortBy", "username")]),
        &[CARL, ANNA],
    );
    for secret in [
        "password",
        "password.x",
        "failedLoginAttempts",
        "lastFailedLogin",
    ] {
        sorted(secret, "ASC").assert_bad_parameter("sortBy");
    }
    sorted("username", "asc").assert_bad_parameter("sortOrder");
}

#[test]
fn attributes_are_selected_and_filtered() {
    let server = server();
    let seen = |token, to_return| {
        let parameters = [
            ("tenantName", "corp"),
            ("query", "{username:'anna'}"),
            ("attributeToReturn", to_return),
        ];
        let body = get(&server, token, "by_query", &parameters).body;
        let profiles: serde_json::Value = serde_json::from_str(&body).expect("a list");
        profiles[0]["attributes"].clone()
    };
    assert_eq!(
        seen(ADMIN, "age,tree.x,secret"),
        json!({"age": 44, "tree": {}})
    );
    assert_eq!(seen(READER, "age,secret"), json!({"secret": "s"}));
    assert_eq!(seen(ADMIN, "$none"), json!({}));
}

#[test]
fn what_the_console_and_the_social_module_send_is_understood() {
    let mut data = seed();
    let tenants = data["tenant"].as_array_mut().expect("a list");
    let all = json!([{"application": "*", "allowedActions": ["*"]}]);
    tenants.push(json!({"name": "social", "attributeDefinitions": [{"name": "contexts", "permissions": all}]}));
    let profiles = data["profile"].as_array_mut().expect("a list");
    let contexts = [
        json!([{"id": "one", "roles": ["SOCIAL_USER"]}, {"id": "two", "roles": ["SOCIAL_ADMIN"]}]),
        json!([{"id": "two", "roles": ["SOCIAL_USER", "SOCIAL_MODERATOR"]}]),
        json!([{"id": "one", "roles": []}]),
    ];
    let ids: Vec<_> = (1..4)
        .map(|number| format!("60c00000000000000000000{number}"))
        .collect();
    for (id, contexts) in ids.iter().zip(contexts) {
        profiles.push(json!({
            "_id": id, "username": format!("user-{id}@Example.com"), "enabled": true, "tenant": "social",
            "attributes": {"contexts": contexts},
        }));
    }
    let server = Setup::new().seed(data).start();
    let list = |query: &str| {
        let parameters = [
            ("tenantName", "social"),
            ("query", query),
            ("start", "0"),
            ("count", "10"),
            ("sortBy", "username"),
            ("sortOrder", "ASC"),
        ];
        get(&server, ADMIN, "by_query", &parameters)
    };
    // The console searches for a part of a username.
    let search = |text: &str| format!("{{username: {{$regex: '.*{text}.*', $options: 'i'}}}}");
    let all: Vec<_> = ids.iter().map(String::as_str).collect();
    assert_ids(&list(&search("@EXAMPLE")), &all);
    assert_ids(&list(&search("0003@")), &all[2..]);
    assert_ids(&list(&search("none")), &[]);
    // Both conditions hold of the profile, not of one item: the first profile has each of them in another.
    let roles = "'attributes.contexts.roles':{$in:['SOCIAL_ADMIN','SOCIAL_MODERATOR']}";
    let query = format!("{{'attributes.contexts.id':'one', {roles}}}");
    assert_ids(&list(&query), &all[..1]);
    let query = format!("{{'attributes.contexts.id':'two', {roles}}}");
    assert_ids(&list(&query), &all[..2]);
    // The same key twice: both hold.
    let query = "{'attributes.contexts.id':'one','attributes.contexts.id':'two'}";
    assert_ids(&list(query), &all[..1]);
    let query = format!("{{{roles},'attributes.contexts.roles':{{$in:['SOCIAL_USER']}}}}");
    assert_ids(&list(&query), &all[..2]);
}

#[test]
fn more_profiles_than_the_limit_are_not_looked_at() {
    let setup = Setup::new().seed(seed()).flag("--list-examined-max=2");
    let server = setup.start();
    let message = "The tenant has more than 2 profiles to be looked at for this request";
    for query in ["{enabled:true}", "{username:/n/}"] {
        ask(&server, ADMIN, "by_query", query).assert_error(400, "OTHER", message);
        ask(&server, ADMIN, "count_by_query", query).assert_error(400, "OTHER", message);
    }
    let nobody = "{'attributes.name':'nobody'}";
    ask(&server, ADMIN, "one_by_query", nobody).assert_error(400, "OTHER", message);
    // What is found before is, and so is what the index finds.
    let more = [("start", "0"), ("count", "1")];
    assert_ids(&by_query_with(&server, "{enabled:true}", &more), &[ANNA]);
    assert_ids(&by_query(&server, "{username:'carl'}"), &[CARL]);
    assert_ids(&by_query(&server, "{username:/^c/,enabled:true}"), &[CARL]);
    assert_eq!(ask(&server, ADMIN, "one_by_query", "{}").status, 200);
    assert_json(&ask(&server, ADMIN, "count_by_query", "{}"), "3");
}

#[test]
fn sweeps_that_are_pending_count() {
    let server = server();
    let client = server.client();
    let tenant = |path: &str, form: &str| {
        let target = format!("/crafter-profile/api/1/tenant/corp/{path}");
        let form = format!("accessTokenId={ADMIN}&{form}");
        assert_eq!(client.post(&target, &form).status, 200);
    };
    let json = |path: &str, json: &str| {
        let target = format!("/crafter-profile/api/1/tenant/corp/{path}?accessTokenId={ADMIN}");
        let headers = [("content-type", "application/json")];
        let response = client.send("POST", &target, &headers, Some(json.as_bytes()));
        assert_eq!(response.status, 200, "{response:?}");
    };
    // No job runs here, so that the records stay as they are.
    tenant("roles/remove", "role=ADMIN");
    tenant("attribute_definitions/remove", "attributeName=age");
    json(
        "attribute_definitions/add",
        r#"[{"name":"color","defaultValue":"red","permissions":[{"application":"*","allowedActions":["*"]}]}]"#,
    );
    for (query, expected) in [
        ("{roles:'ADMIN'}", &[][..]),
        ("{roles:['USER']}", &[ANNA, CARL]),
        ("{roles:{$exists:false}}", &[BEN]),
        ("{'attributes.color':'red'}", &[ANNA, BEN, CARL]),
        (
            "{'attributes.color':'red','attributes.name':'Carl'}",
            &[CARL],
        ),
        ("{username:'anna','attributes.color':'red'}", &[ANNA]),
        ("{attributes:{name:'Carl',color:'red'}}", &[CARL]),
        ("{username:/^b/}", &[BEN]),
        (
            "{_id:ObjectId('60a000000000000000000001'),email:/anna/,enabled:true}",
            &[ANNA],
        ),
        (
            "{verified:true,createdOn:new Date(1000),lastModified:new Date(2000)}",
            &[ANNA],
        ),
    ] {
        let response = by_query(&server, query);
        assert_eq!(response.status, 200, "{query}: {response:?}");
        assert_ids(&response, expected);
        let count = ask(&server, ADMIN, "count_by_query", query);
        assert_json(&count, &expected.len().to_string());
    }
    let message = "Attribute \"age\" is not allowed in query";
    let response = by_query(&server, "{'attributes.age':44}");
    response.assert_error(400, "INVALID_QUERY", message);
}

#[test]
fn profiles_that_ended_with_their_tenant_match_nothing() {
    let server = server();
    let client = server.client();
    let tenant = format!("/crafter-profile/api/1/tenant/corp/delete?accessTokenId={ADMIN}");
    client.post(&tenant, "").assert_empty();
    let target = format!("/crafter-profile/api/1/tenant/create?accessTokenId={ADMIN}");
    let json = [("content-type", "application/json")];
    let created = client.send("POST", &target, &json, Some(br#"{"name":"corp"}"#));
    assert_eq!(created.status, 200, "{created:?}");
    let queries = [
        "{}",
        "{username:'anna'}",
        "{username:/^a/}",
        "{username:/n/}",
        "{username:{$in:['anna','ben']}}",
        "{enabled:{$exists:true}}",
        "{_id:ObjectId('60a000000000000000000001')}",
    ];
    for query in queries {
        assert_ids(&by_query(&server, query), &[]);
        assert_json(&ask(&server, ADMIN, "count_by_query", query), "0");
        let message = format!("No profile found for tenant \"corp\" and query \"{query}\"");
        ask(&server, ADMIN, "one_by_query", query).assert_error(404, "NO_SUCH_PROFILE", &message);
    }
    let form = [
        ("tenantName", "corp"),
        ("username", "anne"),
        ("createProfile", "true"),
    ];
    client.post_with("create", &form).login();
    for (query, count) in queries.into_iter().zip(["1", "0", "1", "1", "0", "1", "0"]) {
        assert_json(&ask(&server, ADMIN, "count_by_query", query), count);
    }
}
