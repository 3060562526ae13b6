//! Queue files of what is ignored, on their way out. A file goes only once the store keeps what it was ignored for: the next event
//! of its session may come from elsewhere, to a process that has not seen this one.

use store::write::LeftOut;

use crate::error::Error;
use crate::intake::claim::Claim;
use crate::intake::places::Places;
use crate::report::PassReport;
use crate::store_handle::StoreHandle;

/// The files, and what is to be kept first.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    claims: Vec<Claim>,
    decided: Vec<LeftOut>,
}

impl Discarded {
    pub(crate) fn push(&mut self, claim: Claim, decided: Vec<LeftOut>) {
        self.claims.push(claim);
        self.decided.extend(decided);
    }

    pub(crate) fn len(&self) -> usize {
        self.claims.len()
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.claims.append(&mut other.claims);
        self.decided.append(&mut other.decided);
    }

    /// Nothing is left of them.
    ///
    /// # Errors
    /// The store's or the operating system's; the files that are still there are in `self`.
    pub(crate) fn flush(
        &mut self,
        store: &mut StoreHandle,
        places: &Places,
        report: &mut PassReport,
    ) -> Result<(), Error> {
        if !self.decided.is_empty() {
            store.with(|writer| Ok(writer.leave_out(&self.decided)?))?;
            self.decided.clear();
        }
        while let Some(claim) = self.claims.pop() {
            claim.discard(places)?;
            report.ignored += 1;
        }
        Ok(())
    }

    pub(crate) fn put_back(self, places: &Places, report: &mut PassReport) {
        for claim in self.claims {
            claim.put_back(places);
            report.put_back += 1;
        }
    }
}
