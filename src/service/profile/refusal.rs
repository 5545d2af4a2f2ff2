//! Why a use case of profiles refuses.

use crate::domain::attribute_access::AttributeRefusal;
use crate::domain::query::error::QueryError;
use crate::service::caller::AccessRefusal;
use crate::service::error::Refusal;
use crate::service::profile::ProfileRefusal;
use crate::service::verification_token::refusal::VerificationTokenRefusal;

/// Why a caller does not get what it asked of profiles. The texts are the caller's own or public.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ProfileRequestRefusal {
    /// The caller may not do it.
    Access(AccessRefusal),
    /// The profile does not allow it.
    Profile(ProfileRefusal),
    /// The verification token that selects the profile does not allow it.
    VerificationToken(VerificationTokenRefusal),
    /// No ticket that is still valid has the id that selects the profile.
    NoSuchTicket {
        /// The id as the caller gave it.
        id: String,
    },
    /// The profile that the ticket was created for is gone.
    NoProfileOfTicket {
        /// The ticket's id as the caller gave it.
        id: String,
    },
    /// The JSON of the list would be longer than a list may be.
    ListTooLarge {
        /// How long it may be, in bytes.
        max: usize,
    },
    /// What has to be kept until a list is complete would take more memory than one list may take.
    ListTooLong,
    /// The query is malformed, or names what no query may.
    QueryInvalid(QueryError),
    /// The query names an attribute that the caller's application may not read.
    QueryAttributeDenied {
        /// The attribute's name.
        name: String,
    },
    /// No profile matches the query.
    NoProfileOfQuery {
        /// The tenant's name.
        tenant: String,
        /// The query's text.
        query: String,
    },
    /// The profiles of a list or a count would have to be looked for among more than a list may take.
    TooManyExamined {
        /// How many it may take.
        max: usize,
    },
    /// The mail address is none.
    EmailInvalid {
        /// The mail address.
        email: String,
    },
    /// Another profile of the tenant has the username.
    UsernameTaken {
        /// The username.
        username: String,
    },
    /// The tenant does not define an attribute.
    AttributeNotDefined {
        /// The attribute's name.
        name: String,
        /// The tenant's name.
        tenant: String,
    },
    /// A profile may not have so many roles.
    TooManyRoles {
        /// The highest number.
        max: usize,
    },
    /// A role may not be so long.
    RoleTooLong {
        /// The highest number of bytes.
        max: usize,
    },
    /// The attributes of a profile may not take so much.
    AttributesTooLarge {
        /// The highest number of bytes of their names and their JSON.
        max: usize,
    },
}

impl Refusal for ProfileRequestRefusal {}

impl From<AccessRefusal> for ProfileRequestRefusal {
    fn from(refusal: AccessRefusal) -> Self {
        Self::Access(refusal)
    }
}

impl From<ProfileRefusal> for ProfileRequestRefusal {
    fn from(refusal: ProfileRefusal) -> Self {
        Self::Profile(refusal)
    }
}

impl From<VerificationTokenRefusal> for ProfileRequestRefusal {
    fn from(refusal: VerificationTokenRefusal) -> Self {
        Self::VerificationToken(refusal)
    }
}

impl Refusal for AttributeRefusal {}

impl From<AttributeRefusal> for ProfileRequestRefusal {
    fn from(refusal: AttributeRefusal) -> Self {
        match refusal {
            AttributeRefusal::NotDefined { name, tenant } => {
                Self::AttributeNotDefined { name, tenant }
            }
            AttributeRefusal::Denied { action, name } => {
                let attribute = name;
                Self::Access(AccessRefusal::AttributeActionDenied { action, attribute })
            }
        }
    }
}
