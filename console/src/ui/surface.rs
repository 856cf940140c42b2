//! The picture as textures: only changed areas are uploaded.
//!
//! At 1:1 texels are taken as they are (no filter); scaled, they are blended. A picture
//! wider than the graphics system's largest texture lies on several.

use egui::{
    Color32, ColorImage, Mesh, Pos2, Rect, TextureHandle, TextureId, TextureOptions, Ui, Vec2,
};
use fernsicht_protocol::content::PointerShape;
use fernsicht_protocol::picture;

use super::placement::Placement;
use crate::picture::{Board, Pixels, Pointer, Taken};

/// Textures of the picture on the board.
#[derive(Default)]
pub struct Surface {
    generation: u64,
    exact: bool,
    size: (u16, u16),
    tiles: Vec<Tile>,
    pointer: Option<(u64, TextureHandle)>,
}

struct Tile {
    area: picture::Rect,
    texture: TextureHandle,
}

/// What was taken from the board and will be on the screen after this pass.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// To acknowledge.
    pub mark: crate::picture::Mark,
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

    /// Takes what changed from the board. `exact`: it will be shown pixel for pixel.
    pub fn update(&mut self, ctx: &egui::Context, board: &mut Board, exact: bool) -> Option<Shown> {
        let Taken::Changed {
            generation,
            areas,
            mark,
            received,
        } = board.take()
        else {
            self.clear();
            return None;
        };
        let pixels = board.pixels()?;
        if self.tiles.is_empty() || self.generation != generation || self.exact != exact {
            (self.generation, self.exact) = (generation, exact);
            self.rebuild(ctx, pixels);
        } else {
            for area in areas {
                self.upload(pixels, area);
            }
        }
        mark.map(|mark| Shown { mark, received })
    }

    /// Draws the picture where it belongs.
    pub fn paint(&self, ui: &Ui, placed: &Placement) {
        let painter = ui.painter().with_clip_rect(to_points(ui, placed.space));
        for tile in &self.tiles {
            let rect = placed_rect(ui, placed, tile.area);
            painter.add(textured(tile.texture.id(), rect));
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
        let ppp = f64::from(ui.ctx().pixels_per_point());
        let left =
            placed.origin.0 + (f64::from(pointer.x) - f64::from(shape.hot_x)) * placed.factor;
        let top = placed.origin.1 + (f64::from(pointer.y) - f64::from(shape.hot_y)) * placed.factor;
        let size = Vec2::new(
            (f64::from(shape.width) * placed.factor / ppp) as f32,
            (f64::from(shape.height) * placed.factor / ppp) as f32,
        );
        let rect = Rect::from_min_size(Pos2::new((left / ppp) as f32, (top / ppp) as f32), size);
        ui.painter()
            .with_clip_rect(to_points(ui, placed.space))
            .add(textured(texture.id(), rect));
    }

    fn rebuild(&mut self, ctx: &egui::Context, pixels: &Pixels) {
        self.tiles.clear();
        self.size = (pixels.width, pixels.height);
        let side = ctx
            .input(|i| i.max_texture_side)
            .clamp(64, usize::from(LARGEST_TILE)) as u16;
        for y in (0..pixels.height).step_by(side.into()) {
            for x in (0..pixels.width).step_by(side.into()) {
                let (width, height) = (side.min(pixels.width - x), side.min(pixels.height - y));
                let area = picture::Rect {
                    x,
                    y,
                    width,
                    height,
                };
                let texture = ctx.load_texture("picture", image(pixels, area), self.options());
                self.tiles.push(Tile { area, texture });
            }
        }
    }

    fn upload(&mut self, pixels: &Pixels, area: picture::Rect) {
        let options = self.options();
        for tile in &mut self.tiles {
            let part = tile.area.intersection(area);
            if !part.is_empty() {
                let at = [
                    usize::from(part.x - tile.area.x),
                    usize::from(part.y - tile.area.y),
                ];
                tile.texture.set_partial(at, image(pixels, part), options);
            }
        }
    }

    fn options(&self) -> TextureOptions {
        if self.exact {
            TextureOptions::NEAREST
        } else {
            TextureOptions::LINEAR
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

fn placed_rect(ui: &Ui, placed: &Placement, area: picture::Rect) -> Rect {
    let space = super::placement::Space {
        x: placed.origin.0 + f64::from(area.x) * placed.factor,
        y: placed.origin.1 + f64::from(area.y) * placed.factor,
        width: f64::from(area.width) * placed.factor,
        height: f64::from(area.height) * placed.factor,
    };
    to_points(ui, space)
}

fn to_points(ui: &Ui, space: super::placement::Space) -> Rect {
    let ppp = f64::from(ui.ctx().pixels_per_point());
    let point = |x: f64, y: f64| Pos2::new((x / ppp) as f32, (y / ppp) as f32);
    Rect::from_min_max(
        point(space.x, space.y),
        point(space.x + space.width, space.y + space.height),
    )
}

/// Every graphics system has textures this large; smaller ones would only add seams.
const LARGEST_TILE: u16 = 4096;
