//! What every wrapper of a file passes on unchanged: closing it, and its locks.

/// The methods of a `StorageBackend` that are those of the file in the field `$field` of the wrapper.
macro_rules! forward_close_and_locks {
    ($($field:tt).+) => {
        fn close(&self) -> std::io::Result<()> {
            self.$($field).+.close()
        }

        forward_lock!(try_lock_range -> bool, $($field).+);
        forward_lock!(try_lock_shared_range -> bool, $($field).+);
        forward_lock!(lock_range -> (), $($field).+);
        forward_lock!(lock_shared_range -> (), $($field).+);
        forward_lock!(unlock_range -> (), $($field).+);
        forward_lock!(query_lock_range -> bool, $($field).+);
    };
}

/// The method `$method` of a range of the file, which returns `$returned`.
macro_rules! forward_lock {
    ($method:ident -> $returned:ty, $($field:tt).+) => {
        fn $method(
            &self,
            start: std::ops::Bound<u64>,
            end: std::ops::Bound<u64>,
        ) -> Result<$returned, redb::BackendError> {
            self.$($field).+.$method(start, end)
        }
    };
}

pub(super) use {forward_close_and_locks, forward_lock};
