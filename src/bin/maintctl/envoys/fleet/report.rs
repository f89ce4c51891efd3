//! The results of a fleet: its Envoys, the failures, and the adoption.

use crate::envoys::adoption::Adoption;
use crate::envoys::error::EnvoyError;
use crate::envoys::failure::EnvoyFailure;
use crate::envoys::fleet::Fleet;
use crate::envoys::peer::{EnvoyPeer, PeerEnd};
use crate::envoys::roll::{EnvoyProcess, Roll};

impl Fleet {
    /// The peers that count, which are not found at another address.
    fn counted(&self) -> impl Iterator<Item = &EnvoyPeer> {
        self.peers.iter().filter(|peer| peer.end != Some(PeerEnd::Duplicate) && !self.is_unused_loopback(peer))
    }

    /// The names that have no address.
    fn unresolved(&self) -> impl Iterator<Item = EnvoyFailure> {
        self.urls.iter().filter(|url| !url.is_resolved).map(|url| {
            let late = || EnvoyError::Unreachable("the host name was not resolved in time".to_owned());
            EnvoyFailure::new(&url.url, url.error.clone().unwrap_or_else(late))
        })
    }

    /// The Envoys with a result of `is_read`, and the failures of all others.
    fn roll_of(&self, is_read: impl Fn(&EnvoyPeer) -> bool) -> Roll {
        let mut roll = Roll { failures: self.unresolved().collect(), ..Roll::default() };
        for peer in self.counted() {
            match (&peer.status, &peer.end) {
                (Some(status), None | Some(PeerEnd::Adopted)) if is_read(peer) => {
                    let (asked, answered) = (peer.asked, peer.answered);
                    let (endpoint, status) = (peer.endpoint.clone(), status.clone());
                    roll.envoys.push(EnvoyProcess { endpoint, status, asked, answered });
                }
                (_, Some(PeerEnd::Failed(error))) => roll.failures.push(EnvoyFailure::new(peer.name(), error.clone())),
                _ => roll.failures.push(EnvoyFailure::new(peer.name(), peer.reason())),
            }
        }
        roll
    }

    /// The Envoys whose status is known, and the failures of all others.
    pub fn known(&self) -> Roll {
        self.roll_of(|_| true)
    }

    /// The Envoys that are confirmed on all new connections, and the failures of all others.
    pub fn confirmed(&self) -> Roll {
        self.roll_of(|peer| peer.end == Some(PeerEnd::Adopted))
    }

    /// The adoption of the goal until now.
    pub fn adoption(&self) -> Adoption {
        let mut adoption = Adoption { lagging: self.unresolved().collect(), ..Adoption::default() };
        for peer in self.counted() {
            match &peer.end {
                Some(PeerEnd::Adopted) => {
                    adoption.adopted += 1;
                    adoption.replaced.extend(peer.replaced.iter().cloned());
                }
                Some(PeerEnd::Failed(error)) => {
                    adoption.lagging.push(EnvoyFailure::new(peer.name(), error.clone()));
                }
                _ => adoption.lagging.push(EnvoyFailure::new(peer.name(), peer.reason())),
            }
        }
        adoption.total = adoption.adopted + adoption.lagging.len();
        adoption.replaced.sort();
        adoption.replaced.dedup();
        adoption
    }

    /// The first address at which several Envoys respond.
    pub fn shared_address(&self) -> Option<EnvoyFailure> {
        self.peers.iter().find_map(|peer| match &peer.end {
            Some(PeerEnd::Failed(error @ EnvoyError::SharedAddress(_))) => {
                Some(EnvoyFailure::new(&peer.endpoint, error.clone()))
            }
            _ => None,
        })
    }

    /// The outstanding Envoys, such as `no response from a, b; cannot connect to c`; empty if there are none.
    pub fn outstanding(&self) -> String {
        let names = |is_listed: &dyn Fn(&EnvoyPeer) -> bool| {
            let open = self.counted().filter(|peer| peer.is_open() && is_listed(peer));
            open.map(EnvoyPeer::name).collect::<Vec<_>>()
        };
        let unresolved = self.urls.iter().filter(|url| !url.is_resolved).map(|url| url.url.clone()).collect();
        let parts = [
            ("no response from", names(&|peer| peer.is_silent())),
            ("no connection to", names(&|peer| peer.is_unreachable())),
            ("no address of", unresolved),
        ];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        parts.map(|(text, names)| format!("{text} {}", shortened(&names))).collect::<Vec<_>>().join("; ")
    }
}

/// Up to three names, and the number of the others.
fn shortened(names: &[String]) -> String {
    let listed = names.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(3) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
