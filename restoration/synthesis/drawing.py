"""Drawing tools for wear: lines, growing and forking cracks, ragged edges, shadows, smooth noise."""

import cv2
import numpy as np


def draw_line(canvas: np.ndarray, points: np.ndarray, width: float, shade: float = 255) -> None:
    """A line through points (N, 2), x and y in pixels, drawn to an eighth of a pixel."""
    points = np.rint(points * 8).astype(np.int32)  # three fractional bits
    cv2.polylines(canvas, [points], False, float(shade), max(1, round(width)), cv2.LINE_AA, 3)


def flaked(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """uint8 (H, W) -> opacity, float32: as drawn, with ragged edges, or with islands left intact."""
    opacity, kind = canvas.astype(np.float32) / 255, rng.random()
    if kind < 0.4:
        return opacity
    noise = clouds(rng, canvas.shape, rng.choice([1, 2, 3]))
    if kind < 0.75:
        wide = cv2.GaussianBlur(opacity, (0, 0), rng.uniform(0.6, 1.4))
        return ((1.7 * wide + (noise - 0.5) * rng.uniform(0.5, 1.3) * (wide > 0.08) - 0.3) * 3).clip(0, 1)
    return opacity * ((noise - rng.uniform(0.1, 0.6)) * 5).clip(0, 1)


def shadow_of(rng: np.random.Generator, canvas: np.ndarray) -> np.ndarray:
    """The soft shadow beside a crack."""
    moved = np.roll(canvas, rng.integers(-3, 4, 2), (0, 1)).astype(np.float32) / 255
    return cv2.GaussianBlur(moved, (0, 0), rng.uniform(0.3, 1))


def log_uniform(rng: np.random.Generator, least: float, most: float) -> float:
    """A random number between the two, with log-uniform distribution."""
    return float(np.exp(rng.uniform(np.log(least), np.log(most))))


def clouds(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> np.ndarray:
    """Smooth noise, float32 (H, W) in [0, 1], whose hills are about `size` pixels wide."""
    cells = [max(2, round(side / max(1.0, size))) for side in shape]
    noise = rng.random(cells, dtype=np.float32)
    return cv2.resize(noise, shape[::-1], interpolation=cv2.INTER_CUBIC).clip(0, 1)


def grow_crack(
    rng: np.random.Generator, canvas: np.ndarray, point: np.ndarray, angle: float, width: float, length: float,
    forks: int, unit: float,
) -> None:  # fmt: skip
    """Draw a crack that wanders, varies in width, breaks off and forks; `width` and `length` in thousandths."""
    stride, bend = max(3.0, 5 * unit), rng.uniform(0.05, 0.35)
    steps, room = int(length * unit / stride) + 1, 20 + 20 * unit
    goal, shade, until_fork = angle, rng.uniform(120, 255), rng.uniform(20, 80) * unit / stride
    for step in range(steps):
        goal += rng.normal(0, 0.04)
        angle = goal + 0.7 * (angle - goal) + rng.normal(0, bend)
        shade = np.clip(shade + rng.normal(0, 20), 30, 255) * (1 if step < 0.7 * steps else 0.93)
        until, breadth = point + stride * np.array([np.cos(angle), np.sin(angle)]), width * (1 - 0.6 * step / steps)
        if rng.random() > 0.04:
            draw_line(canvas, np.array([point, until]), breadth * rng.uniform(0.4, 1.5) * unit, shade)
        if breadth * unit > 2 and rng.random() < 0.05:  # a flake where it is broad
            at = tuple(until.astype(int).tolist())
            cv2.circle(canvas, at, int(breadth * unit * rng.uniform(0.5, 1.3)), shade, -1, cv2.LINE_AA)
        point, until_fork = until, until_fork - 1
        if not (-room < point[0] < canvas.shape[1] + room and -room < point[1] < canvas.shape[0] + room):
            return
        if forks and until_fork < 0 and rng.random() < 0.3:
            until_fork = rng.uniform(20, 80) * unit / stride
            turn, thinner = rng.choice([-1, 1]) * rng.uniform(0.4, 1.4), width * rng.uniform(0.3, 0.7)
            grow_crack(rng, canvas, point, angle + turn, thinner, length * rng.uniform(0.2, 0.7), forks - 1, unit)
