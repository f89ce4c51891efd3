//! The order of decision. It stands here, once.

