//! What happens on the customer's screen while pictures are measured or tried: [`material`] is what is drawn,
//! [`player`] draws it.

pub mod material;
pub mod player;
