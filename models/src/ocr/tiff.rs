//! The pages of a TIFF file: a chain of directories, of which decoders show the first.
//!
//! A page other than the first is shown by a header that begins the chain with it. Pure.

/// Pages beyond are not counted: no scan has as many, and a chain may be made to go on.
const MAX_PAGES: usize = 4096;

/// Where the directory of each page is. Empty if it is no TIFF, or one with 64-bit places.
pub(super) fn directories(bytes: &[u8]) -> Vec<u32> {
    let Some(order) = Order::of(bytes) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut next = order.long(bytes, 4);
    while let Some(start) = next.filter(|start| *start != 0) {
        if found.len() == MAX_PAGES || found.contains(&start) {
            break;
        }
        let Some(entries) = order.short(bytes, start as usize) else {
            break;
        };
        found.push(start);
        next = order.long(bytes, start as usize + 2 + 12 * usize::from(entries));
    }
    found
}

/// The file with the directory at `start` as its first; unchanged if it is no TIFF.
pub(super) fn beginning_with(bytes: &[u8], start: u32) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    if let (Some(order), Some(place)) = (Order::of(bytes), copy.get_mut(4..8)) {
        place.copy_from_slice(&match order {
            Order::Little => start.to_le_bytes(),
            Order::Big => start.to_be_bytes(),
        });
    }
    copy
}

/// Which byte of a number comes first.
#[derive(Clone, Copy)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn of(bytes: &[u8]) -> Option<Self> {
        match bytes.get(..4)? {
            b"II*\0" => Some(Self::Little),
            b"MM\0*" => Some(Self::Big),
            _ => None,
        }
    }

    fn short(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        })
    }

    fn long(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Directories without entries, each naming the next one's place.
    fn chain(places: &[(usize, u32)]) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08".to_vec();
        for (at, next) in places {
            bytes.resize(bytes.len().max(at + 6), 0);
            bytes[at + 2..at + 6].copy_from_slice(&next.to_be_bytes());
        }
        bytes
    }

    #[test]
    fn pages_are_counted_to_the_end_of_the_chain() {
        let three = chain(&[(8, 20), (20, 14), (14, 0)]);
        assert_eq!(directories(&three), [8, 20, 14]);
        assert_eq!(directories(&beginning_with(&three, 20)), [20, 14]);
    }

    #[test]
    fn chains_that_turn_back_or_leave_the_file_end() {
        assert_eq!(directories(&chain(&[(8, 14), (14, 8)])), [8, 14]);
        assert_eq!(directories(&chain(&[(8, u32::MAX)])), [8]);
        assert_eq!(directories(b"II*\0\x08\0\0"), Vec::<u32>::new());
        assert_eq!(directories(b"\x89PNG\r\n\x1a\n"), Vec::<u32>::new());
    }
}
