//! The JSON of profiles.

use hyper::StatusCode;

use crate::domain::attributes::Attributes;
use crate::domain::profile::Profile;
use crate::domain::projection::Projection;
use crate::error::Failure;
use crate::http::json_list;
use crate::http::response::{self, Response};
use crate::service::lazy_list::LazyList;
use crate::service::profile::list::RestOfProfiles;

/// About what the JSON of a profile takes beside its attributes.
const USUAL_BYTES: usize = 384;

/// A response with one profile, whose attributes are those that the caller may see. The projection selects from them.
///
/// # Errors
///
/// As [`response::json`].
pub fn profile(profile: &Profile, projection: &Projection) -> Result<Response, Failure> {
    let mut json = Vec::with_capacity(USUAL_BYTES);
    write_profile(&mut json, profile, projection)?;
    Ok(response::with_status(StatusCode::OK, json))
}

/// A response with the attributes of a profile alone.
///
/// # Errors
///
/// As [`response::json`].
pub fn attributes(profile: &Profile, projection: &Projection) -> Result<Response, Failure> {
    let mut json = Vec::with_capacity(USUAL_BYTES);
    write_attributes(&mut json, profile, projection)?;
    Ok(response::with_status(StatusCode::OK, json))
}

/// A response with a list of profiles, which is as above. A long one is sent in pieces.
///
/// # Errors
///
/// As [`response::json`]; failures of the storage.
pub fn list(
    profiles: LazyList<RestOfProfiles>,
    projection: Projection,
) -> Result<Response, Failure> {
    json_list::response(profiles, move |json, profile| {
        write_profile(json, profile, &projection)
    })
}

/// Appends a profile: the wire contract's form, in its field order ("JSON shapes").
fn write_profile(
    json: &mut Vec<u8>,
    profile: &Profile,
    projection: &Projection,
) -> Result<(), Failure> {
    json.extend_from_slice(b"{\"username\":");
    response::write_json(json, &profile.username)?;
    json.extend_from_slice(b",\"email\":");
    response::write_json(json, &profile.email)?;
    json.extend_from_slice(b",\"verified\":");
    response::write_json(json, &profile.verified)?;
    json.extend_from_slice(b",\"enabled\":");
    response::write_json(json, &profile.enabled)?;
    json.extend_from_slice(b",\"createdOn\":");
    response::write_json(json, &profile.created_on.as_millis())?;
    json.extend_from_slice(b",\"lastModified\":");
    response::write_json(json, &profile.last_modified.as_millis())?;
    json.extend_from_slice(b",\"tenant\":");
    response::write_json(json, &profile.tenant.as_str())?;
    json.extend_from_slice(b",\"roles\":");
    response::write_json(json, &profile.roles.as_deref().unwrap_or_default())?;
    json.extend_from_slice(b",\"attributes\":");
    write_attributes(json, profile, projection)?;
    json.extend_from_slice(b",\"id\":\"");
    json.extend_from_slice(profile.id.encode(&mut [0; 24]).as_bytes());
    json.extend_from_slice(b"\"}");
    Ok(())
}

fn write_attributes(
    json: &mut Vec<u8>,
    profile: &Profile,
    projection: &Projection,
) -> Result<(), Failure> {
    json.push(b'{');
    let mut is_first = true;
    for (name, text) in profile.attributes.iter().flat_map(Attributes::iter) {
        let Some(shown) = projection.of_attribute(name, text) else {
            continue;
        };
        if !is_first {
            json.push(b',');
        }
        is_first = false;
        response::write_json(json, &name)?;
        json.push(b':');
        json.extend_from_slice(shown.as_bytes());
    }
    json.push(b'}');
    Ok(())
}
