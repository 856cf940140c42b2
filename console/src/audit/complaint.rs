//! What the customer hands to the auditor: the complaint code itself, or the receipt that holds it sealed.

use std::path::Path;

use fernsicht_protocol::complaint::Code;
use fernsicht_protocol::crypto::hash;
use fernsicht_protocol::receipt::{self, Receipt, TheirHeads};
use fernsicht_protocol::sealing;
use fernsicht_recordings::open::Evidence;

use super::Failure;
use super::identity::Identity;

/// A complaint.
#[derive(Debug)]
pub struct Complaint {
    /// The code.
    pub code: Code,
    /// The receipt, where there is one.
    pub receipt: Option<Box<Receipt>>,
}

impl Complaint {
    /// From the code as the customer reads it out. Errors: [`Failure::Code`].
    pub fn from_code(typed: &str) -> Result<Self, Failure> {
        Ok(Self {
            code: Code::parse(typed)?,
            receipt: None,
        })
    }

    /// From the receipt's file.
    pub fn from_receipt_file(path: &Path, identity: &Identity) -> Result<Self, Failure> {
        let told = |detail: String| Failure::File {
            path: path.display().to_string(),
            detail,
        };
        let metadata = std::fs::metadata(path).map_err(|e| told(e.to_string()))?;
        if metadata.len() > receipt::MAX_FILE as u64 {
            return Err(Failure::Receipt(receipt::Error::NotReceipt.to_string()));
        }
        let file = std::fs::read(path).map_err(|e| told(e.to_string()))?;
        Self::from_receipt(&file, identity)
    }

    /// From the receipt's bytes. Errors: it is none, was altered, or is not sealed to this auditor.
    pub fn from_receipt(file: &[u8], identity: &Identity) -> Result<Self, Failure> {
        let receipt = receipt::parse(file).map_err(|e| Failure::Receipt(e.to_string()))?;
        let own = hash(&identity.opening.public());
        let sealed = receipt
            .codes
            .0
            .iter()
            .find(|code| code.fingerprint == own)
            .ok_or(Failure::ReceiptKey)?;
        let opened = sealing::open_code(&identity.opening, &receipt.rid, &sealed.sealed.0);
        let code = opened.map_err(|error| match error {
            sealing::Error::Auditor | sealing::Error::Code => Failure::ReceiptKey,
            sealing::Error::Malformed | sealing::Error::Key => Failure::Receipt(error.to_string()),
        })?;
        if code.lookup().0 != receipt.lookup {
            // The number on it is another recording's: whoever made it sealed another code.
            return Err(Failure::Receipt(
                "its number is not that of its code".into(),
            ));
        }
        Ok(Self {
            code,
            receipt: Some(Box::new(receipt)),
        })
    }

    /// What the receipt knows of the recording's end.
    pub fn evidence(&self) -> Option<Evidence> {
        let receipt = self.receipt.as_deref()?;
        Some(Evidence {
            checkpoint: receipt.checkpoint.clone(),
            agent: receipt.own.clone(),
            console: match &receipt.console {
                TheirHeads::Missing { .. } => None,
                TheirHeads::Stated { heads, .. } => Some(heads.clone()),
            },
        })
    }
}
