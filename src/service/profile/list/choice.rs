//! Chooses the profiles of a list in bounded memory.

use std::mem;

use crate::domain::object_id::ObjectId;
use crate::domain::profile::Profile;
use crate::domain::profile_order::ProfileOrder;
use crate::service::profile::list::source::Step;
use crate::service::profile::list::wanted::Page;
use crate::service::profile::refusal::ProfileRequestRefusal;
use crate::service::profile::request::Checked;

/// How many profiles of a sorted list are kept at least before those that are not in its page are dropped.
const KEPT_MIN: usize = 512;

/// The profiles that were chosen so far. Of those of a list that is sorted, little more than the page and what comes
/// before it is kept.
pub(super) struct Choice<'a> {
    order: Option<&'a ProfileOrder>,
    page: Page,
    /// How many bytes the JSON of the list may have.
    json_bytes_max: usize,
    /// How many are left out before the first one of an unsorted list is kept.
    left_out: usize,
    kept: Vec<Kept>,
    /// What the sort keys of these take.
    key_bytes: usize,
    /// What the JSON of these takes.
    json_bytes: usize,
}

struct Kept {
    key: Box<[u8]>,
    id: ObjectId,
    json_bytes: u32,
}

impl<'a> Choice<'a> {
    pub(super) fn new(order: Option<&'a ProfileOrder>, page: Page, json_bytes_max: usize) -> Self {
        Self {
            order,
            page,
            json_bytes_max,
            left_out: 0,
            kept: Vec::new(),
            key_bytes: 0,
            json_bytes: 0,
        }
    }

    /// What the profile is sorted by.
    pub(super) fn key(&self, profile: &Profile) -> Box<[u8]> {
        let key = self.order.map(|order| order.key(profile));
        key.unwrap_or_default().into()
    }

    /// Adds the next profile, with its sort key and about what its JSON takes.
    ///
    /// # Errors
    ///
    /// Refuses a list that is too long to be sent.
    pub(super) fn push(
        &mut self,
        id: ObjectId,
        key: Box<[u8]>,
        json_bytes: usize,
    ) -> Checked<Step> {
        let is_sorted = self.order.is_some();
        if !is_sorted && self.left_out < self.page.start {
            self.left_out += 1;
            return Ok(Step::GoOn);
        }
        self.key_bytes += key.len();
        self.json_bytes = self.json_bytes.saturating_add(json_bytes);
        self.kept.push(Kept {
            key,
            id,
            json_bytes: u32::try_from(json_bytes).unwrap_or(u32::MAX),
        });
        if is_sorted {
            if self.kept.len() >= self.end().saturating_mul(2).max(KEPT_MIN) {
                self.drop_last();
            }
            return Ok(Step::GoOn);
        }
        self.check_size()?;
        let is_full = self
            .page
            .count
            .is_some_and(|count| self.kept.len() >= count);
        Ok(if is_full { Step::End } else { Step::GoOn })
    }

    /// What is kept takes so many bytes.
    pub(super) fn bytes(&self) -> usize {
        self.kept.len() * size_of::<Kept>() + self.key_bytes
    }

    /// The profiles of the page, in their order.
    ///
    /// # Errors
    ///
    /// As [`Choice::push`].
    pub(super) fn finish(&mut self) -> Checked<Box<[ObjectId]>> {
        if self.order.is_some() {
            self.drop_last();
            let start = self.page.start.min(self.kept.len());
            self.kept.drain(..start);
            self.json_bytes = self.kept.iter().map(|kept| kept.json_bytes as usize).sum();
            self.check_size()?;
        }
        let kept = mem::take(&mut self.kept);
        Ok(kept.into_iter().map(|kept| kept.id).collect())
    }

    /// How many a sorted list has up to the end of its page.
    fn end(&self) -> usize {
        let count = self.page.count.unwrap_or(usize::MAX);
        self.page.start.saturating_add(count)
    }

    /// Drops what comes after the page. Profiles with the same key stay in the order in which they were added.
    fn drop_last(&mut self) {
        self.kept.sort_by(|one, other| one.key.cmp(&other.key));
        self.kept.truncate(self.end());
        self.key_bytes = self.kept.iter().map(|kept| kept.key.len()).sum();
    }

    fn check_size(&self) -> Checked<()> {
        if self.json_bytes <= self.json_bytes_max {
            return Ok(());
        }
        let max = self.json_bytes_max;
        Err(ProfileRequestRefusal::ListTooLarge { max }.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::sort_order::SortOrder;

    use super::*;

    const PUSHED: u64 = 5_000;

    fn id(number: u64) -> ObjectId {
        let mut bytes = [0; 12];
        bytes[4..].copy_from_slice(&number.to_be_bytes());
        ObjectId::from_bytes(bytes)
    }

    /// Several have the same key.
    fn key(number: u64) -> Box<[u8]> {
        Box::new((number * 7_919 % 1_000).to_be_bytes())
    }

    #[test]
    fn a_page_is_that_of_the_sorted_list_and_little_more_is_kept() {
        let order = ProfileOrder::new("username", SortOrder::Ascending).expect("it is known");
        let mut sorted: Vec<_> = (0..PUSHED).collect();
        sorted.sort_by_key(|&number| key(number));
        for (start, count) in [
            (0, Some(1)),
            (0, Some(100)),
            (100, Some(1_000)),
            (4_990, Some(100)),
            (9_000, Some(7)),
            (0, None),
            (4_000, None),
        ] {
            let page = Page { start, count };
            let mut choice = Choice::new(Some(&order), page, 1 << 20);
            for number in 0..PUSHED {
                let step = choice.push(id(number), key(number), 10);
                assert_eq!(step, Ok(Step::GoOn));
                if let Some(count) = count {
                    assert!(choice.kept.len() <= (2 * (start + count)).max(KEPT_MIN));
                }
            }
            let chosen = choice.finish().expect("it is small");
            let expected = sorted.iter().skip(start).take(count.unwrap_or(usize::MAX));
            let expected: Vec<_> = expected.map(|&number| id(number)).collect();
            assert_eq!(*chosen, *expected, "{page:?}");
        }
    }

    #[test]
    fn an_unsorted_page_ends_when_it_is_full() {
        let page = Page {
            start: 2,
            count: Some(2),
        };
        let mut choice = Choice::new(None, page, 1 << 20);
        let steps = (0..4).map(|number| choice.push(id(number), Box::default(), 10));
        let steps: Vec<_> = steps.collect();
        let (go_on, end) = (Ok(Step::GoOn), Ok(Step::End));
        assert_eq!(steps, [go_on.clone(), go_on.clone(), go_on, end]);
        assert_eq!(*choice.finish().expect("it is small"), [id(2), id(3)]);
    }

    #[test]
    fn a_list_that_is_too_large_is_refused() {
        let order = ProfileOrder::new("username", SortOrder::Ascending).expect("it is known");
        let page = Page {
            start: 0,
            count: Some(2),
        };
        let refusal = ProfileRequestRefusal::ListTooLarge { max: 19 };
        let mut unsorted = Choice::new(None, page, 19);
        assert_eq!(unsorted.push(id(0), key(0), 10), Ok(Step::GoOn));
        assert_eq!(
            unsorted.push(id(1), key(1), 10),
            Err(refusal.clone().into())
        );
        let mut sorted = Choice::new(Some(&order), page, 19);
        for number in 0..3 {
            assert_eq!(sorted.push(id(number), key(number), 10), Ok(Step::GoOn));
        }
        assert_eq!(sorted.finish(), Err(refusal.into()));
    }
}
