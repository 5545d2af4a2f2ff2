//! What the property tests of records draw from.

use proptest::prelude::{Strategy, any};
use uuid::Uuid;

use crate::domain::object_id::ObjectId;
use crate::domain::tenant::TenantName;
use crate::storage::codec::properties::text;

/// Any UUID.
pub fn uuid() -> impl Strategy<Value = Uuid> + Clone {
    any::<u128>().prop_map(Uuid::from_u128)
}

/// Any id.
pub fn object_id() -> impl Strategy<Value = ObjectId> + Clone {
    any::<[u8; 12]>().prop_map(ObjectId::from_bytes)
}

/// Any name of a tenant.
pub fn tenant_name() -> impl Strategy<Value = TenantName> + Clone {
    text().prop_filter_map("a name is not empty", TenantName::new)
}
