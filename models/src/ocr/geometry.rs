//! Vectors, and rectangles that lie along a text. Pure; positions are in pixels, y grows downwards.

use std::ops::{Add, Mul, Sub};

/// A point or a direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Vector {
    pub x: f32,
    pub y: f32,
}

impl Vector {
    /// To the right.
    pub const RIGHT: Self = Self { x: 1.0, y: 0.0 };
    /// Downwards.
    pub const DOWN: Self = Self { x: 0.0, y: 1.0 };

    /// A quarter turn clockwise, as it is seen.
    pub fn clockwise(self) -> Self {
        Self {
            x: -self.y,
            y: self.x,
        }
    }

    pub fn dot(self, other: Self) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }
}

impl Add for Vector {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            x: self.x + other.x,
            y: self.y + other.y,
        }
    }
}

impl Sub for Vector {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self + other * -1.0
    }
}

impl Mul<f32> for Vector {
    type Output = Self;

    fn mul(self, factor: f32) -> Self {
        Self {
            x: self.x * factor,
            y: self.y * factor,
        }
    }
}

/// A rectangle around a piece of text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Region {
    /// Its middle.
    pub centre: Vector,
    /// The direction in which its text is taken to run, of length one.
    pub along: Vector,
    /// Its side in that direction.
    pub length: f32,
    /// Its side across.
    pub height: f32,
}

impl Region {
    /// The same rectangle, with its text running as nearly as it can in this direction.
    pub fn facing(self, direction: Vector) -> Self {
        let mut best = self;
        let mut turned = self;
        for _ in 0..3 {
            turned = Self {
                along: turned.along.clockwise(),
                length: turned.height,
                height: turned.length,
                ..turned
            };
            if turned.along.dot(direction) > best.along.dot(direction) {
                best = turned;
            }
        }
        best
    }

    /// Whether it is so much longer than high that its direction can be told from its shape.
    pub fn is_long(self) -> bool {
        self.length > 3.0 * self.height
    }

    /// Its upper left corner, as its text is read.
    pub fn corner(self) -> Vector {
        self.centre
            - self.along * (self.length / 2.0)
            - self.along.clockwise() * (self.height / 2.0)
    }

    /// How far it reaches in a direction: the least and the greatest coordinate.
    pub fn reach(self, direction: Vector) -> (f32, f32) {
        let middle = self.centre.dot(direction);
        let half = (self.along.dot(direction) * self.length).abs() / 2.0
            + (self.along.clockwise().dot(direction) * self.height).abs() / 2.0;
        (middle - half, middle + half)
    }

    /// Pushed outwards by a distance on all sides.
    pub fn grown(self, distance: f32) -> Self {
        Self {
            length: self.length + 2.0 * distance,
            height: self.height + 2.0 * distance,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: Region = Region {
        centre: Vector { x: 10.0, y: 5.0 },
        along: Vector::RIGHT,
        length: 8.0,
        height: 2.0,
    };

    #[test]
    fn a_turn_keeps_the_rectangle() {
        let down = WIDE.facing(Vector::DOWN);
        assert_eq!((down.length, down.height), (2.0, 8.0));
        assert_eq!(down.corner(), Vector { x: 14.0, y: 4.0 });
        for direction in [Vector::RIGHT, Vector::DOWN] {
            assert_eq!(down.reach(direction), WIDE.reach(direction));
        }
        assert_eq!(down.facing(Vector::RIGHT), WIDE);
    }

    #[test]
    fn corners_and_reach_follow_the_sides() {
        assert_eq!(WIDE.corner(), Vector { x: 6.0, y: 4.0 });
        assert_eq!(WIDE.reach(Vector::RIGHT), (6.0, 14.0));
        assert_eq!(WIDE.grown(1.0).reach(Vector::DOWN), (3.0, 7.0));
    }
}
