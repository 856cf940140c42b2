//! What the console is told of questions that only a person can answer: once for each change, and anew under each grant.
//!
//! Not here: whether there is one (the platform's), and for how long it counts (the driver's).

/// What was told last, and under which grant.
#[derive(Debug, Default)]
pub(super) struct Told(Option<(u32, bool)>);

impl Told {
    /// What is to be told, if anything. `grant` is the one under which the technician controls: who may only look is
    /// kept from nothing.
    pub(super) fn news(&mut self, grant: Option<u32>, protected: bool) -> Option<bool> {
        let Some(grant) = grant else {
            self.0 = None;
            return None;
        };
        let new = (grant, protected);
        let said = match self.0 {
            Some(told) => told != new,
            // Without a word there is none.
            None => protected,
        };
        said.then(|| {
            self.0 = Some(new);
            protected
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_is_told_once_under_each_grant() {
        let mut told = Told::default();
        assert_eq!(told.news(Some(4), false), None);
        assert_eq!(told.news(Some(4), true), Some(true));
        assert_eq!(told.news(Some(4), true), None);
        assert_eq!(told.news(Some(4), false), Some(false));
        assert_eq!(told.news(Some(4), false), None);
        assert_eq!(told.news(Some(4), true), Some(true));
        assert_eq!(told.news(Some(5), true), Some(true), "another grant");
        assert_eq!(told.news(None, true), None, "only looking");
        assert_eq!(told.news(Some(6), true), Some(true));
    }
}
