//! The picture as textures: only changed areas are uploaded.
//!
//! Each pixel of a texture is one of the window where the picture is shown pixel for pixel or smaller: then it was
//! made smaller here ([`Shrink`]). Enlarged by whole factors texels are taken as they are, else blended. A picture
//! wider than the graphics system's largest texture lies on several.

use egui::{Color32, ColorImage, Mesh, Pos2, Rect, TextureHandle, TextureId, TextureOptions, Ui};
use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture;

use super::placement::{Placement, Space};
use super::shrink::Shrink;
use crate::picture::{Board, Pixels, Pointer, Taken};

/// Textures of the picture on the board.
#[derive(Default)]
pub struct Surface {
    generation: u64,
    look: Look,
    size: (u16, u16),
    tiles: Vec<Tile>,
    pointer: Option<(u64, TextureHandle)>,
}

/// What of the picture the textures hold, and how.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Look {
    part: picture::Rect,
    shrink: Option<Shrink>,
    /// Drawn larger, by no whole factor.
    blended: bool,
}

impl Look {
    fn new(placed: &Placement) -> Self {
        let (part, to) = (placed.subject.part, placed.drawn);
        let smaller = to.0 < part.width || to.1 < part.height;
        let whole =
            to.0.is_multiple_of(part.width.max(1)) && to.1.is_multiple_of(part.height.max(1));
        Self {
            part,
            shrink: smaller
                .then(|| Shrink::new(part, (to.0.min(part.width), to.1.min(part.height)))),
            blended: !smaller && !whole,
        }
    }
}

/// Its area is that of the texture's pixels: of the result where the picture is made smaller, else of the picture.
struct Tile {
    area: picture::Rect,
    texture: TextureHandle,
}

/// What was taken from the board and will be on the screen after this pass.
#[derive(Debug, Clone)]
pub struct Shown {
    /// To acknowledge, in this order.
    pub marks: Vec<crate::picture::Mark>,
    /// When the oldest update in it had been received.
    pub received: Option<std::time::Instant>,
}

impl std::fmt::Debug for Surface {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surface")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

impl Surface {
    /// Gives the textures back.
    pub fn clear(&mut self) {
        self.tiles = Vec::new();
        self.pointer = None;
        self.size = (0, 0);
    }

    /// The picture's size; zero while there is none.
    pub fn size(&self) -> (u16, u16) {
        self.size
    }

    /// Takes what changed from the board; it will be shown as it is placed. Clears itself if there is nothing to show.
    pub fn update(
        &mut self,
        ctx: &egui::Context,
        board: &mut Board,
        placed: Option<&Placement>,
    ) -> Option<Shown> {
        let (
            Taken::Changed {
                generation,
                areas,
                before,
                mark,
                received,
            },
            Some(placed),
        ) = (board.take(), placed)
        else {
            self.clear();
            return None;
        };
        let pixels = board.pixels()?;
        let look = Look::new(placed);
        if self.tiles.is_empty() || self.generation != generation || self.look != look {
            (self.generation, self.look) = (generation, look);
            self.rebuild(ctx, pixels);
        } else {
            for area in areas {
                self.upload(pixels, area);
            }
        }
        Some(Shown {
            marks: before.into_iter().chain(mark).collect(),
            received,
        })
    }

    /// Draws the picture where it belongs.
    pub fn paint(&self, ui: &Ui, placed: &Placement) {
        let painter = ui.painter().with_clip_rect(to_points(ui, placed.space));
        for tile in &self.tiles {
            painter.add(textured(
                tile.texture.id(),
                self.place(ui, placed, tile.area),
            ));
        }
    }

    /// Draws the customer's pointer over it.
    pub fn paint_pointer(&mut self, ui: &Ui, placed: &Placement, pointer: &Pointer) {
        let Some((number, shape)) = pointer.shape.as_ref().filter(|_| pointer.visible) else {
            return;
        };
        if self.pointer.as_ref().is_none_or(|(n, _)| n != number) {
            let texture =
                ui.ctx()
                    .load_texture("pointer", pointer_image(shape), TextureOptions::LINEAR);
            self.pointer = Some((*number, texture));
        }
        let Some((_, texture)) = &self.pointer else {
            return;
        };
        let (x, y) = placed.point(
            f64::from(pointer.x) - f64::from(shape.hot_x),
            f64::from(pointer.y) - f64::from(shape.hot_y),
        );
        let factor = placed.factor();
        let space = Space {
            x,
            y,
            width: f64::from(shape.width) * factor,
            height: f64::from(shape.height) * factor,
        };
        ui.painter()
            .with_clip_rect(to_points(ui, placed.space))
            .add(textured(texture.id(), to_points(ui, space)));
    }

    /// Where a tile is drawn.
    fn place(&self, ui: &Ui, placed: &Placement, area: picture::Rect) -> Rect {
        let space = match self.look.shrink {
            Some(_) => Space {
                x: placed.origin.0 as f64 + f64::from(area.x),
                y: placed.origin.1 as f64 + f64::from(area.y),
                width: area.width.into(),
                height: area.height.into(),
            },
            None => {
                let (x, y) = placed.point(area.x.into(), area.y.into());
                let (right, bottom) = placed.point(area.right().into(), area.bottom().into());
                Space {
                    x,
                    y,
                    width: right - x,
                    height: bottom - y,
                }
            }
        };
        to_points(ui, space)
    }

    fn rebuild(&mut self, ctx: &egui::Context, pixels: &Pixels) {
        self.tiles.clear();
        self.size = (pixels.width, pixels.height);
        let side = ctx
            .input(|i| i.max_texture_side)
            .clamp(64, usize::from(LARGEST_TILE)) as u16;
        let whole = self.reach(self.look.part);
        for y in (0..whole.height).step_by(side.into()) {
            for x in (0..whole.width).step_by(side.into()) {
                let area = picture::Rect {
                    x: whole.x + x,
                    y: whole.y + y,
                    width: side.min(whole.width - x),
                    height: side.min(whole.height - y),
                };
                let texture = ctx.load_texture("picture", self.image(pixels, area), self.options());
                self.tiles.push(Tile { area, texture });
            }
        }
    }

    fn upload(&mut self, pixels: &Pixels, area: picture::Rect) {
        let (area, options) = (self.reach(area), self.options());
        let parts: Vec<picture::Rect> = self
            .tiles
            .iter()
            .map(|tile| tile.area.intersection(area))
            .collect();
        for (tile, part) in parts.into_iter().enumerate() {
            if !part.is_empty() {
                let image = self.image(pixels, part);
                let tile = &mut self.tiles[tile];
                let at = [
                    usize::from(part.x - tile.area.x),
                    usize::from(part.y - tile.area.y),
                ];
                tile.texture.set_partial(at, image, options);
            }
        }
    }

    /// What of the textures depends on this area of the picture.
    fn reach(&self, area: picture::Rect) -> picture::Rect {
        match &self.look.shrink {
            Some(shrink) => shrink.reach(area),
            None => area.intersection(self.look.part),
        }
    }

    fn image(&self, pixels: &Pixels, area: picture::Rect) -> ColorImage {
        match &self.look.shrink {
            Some(shrink) => shrink.image(pixels, area),
            None => image(pixels, area),
        }
    }

    fn options(&self) -> TextureOptions {
        if self.look.blended {
            TextureOptions::LINEAR
        } else {
            TextureOptions::NEAREST
        }
    }
}

fn image(pixels: &Pixels, area: picture::Rect) -> ColorImage {
    let stride = usize::from(pixels.width) * 4;
    let mut colours = Vec::with_capacity(area.area());
    for y in usize::from(area.y)..usize::from(area.y) + usize::from(area.height) {
        let start = y * stride + usize::from(area.x) * 4;
        let row = &pixels.bgrx[start..start + usize::from(area.width) * 4];
        colours.extend(
            row.as_chunks::<4>()
                .0
                .iter()
                .map(|[b, g, r, _]| Color32::from_rgb(*r, *g, *b)),
        );
    }
    ColorImage::new([area.width.into(), area.height.into()], colours)
}

fn pointer_image(shape: &PointerShape) -> ColorImage {
    let pixels = shape.bgra.as_chunks::<4>().0.iter();
    let colours = pixels
        .map(|[b, g, r, a]| Color32::from_rgba_premultiplied(*r, *g, *b, *a))
        .collect();
    ColorImage::new([shape.width.into(), shape.height.into()], colours)
}

/// A mesh, because egui's rectangles have feathered edges.
fn textured(texture: TextureId, rect: Rect) -> Mesh {
    let mut mesh = Mesh::with_texture(texture);
    mesh.add_rect_with_uv(
        rect,
        Rect::from_min_max(Pos2::ZERO, Pos2::new(1.0, 1.0)),
        Color32::WHITE,
    );
    mesh
}

fn to_points(ui: &Ui, space: Space) -> Rect {
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let point = |x: f64, y: f64| Pos2::new((x / ppp) as f32, (y / ppp) as f32);
    Rect::from_min_max(
        point(space.x, space.y),
        point(space.x + space.width, space.y + space.height),
    )
}

/// Every graphics system has textures this large; smaller ones would only add seams.
const LARGEST_TILE: u16 = 4096;
