/** A tiny data set that a network can learn: bright squares in one of four corners. */
import { imageDataset, type ImageDataset } from '../../src/data/index.js'

/** `length` grey images of `side` x `side`; class k has a bright quadrant k on noise. */
export function cornerDataset(length: number, side = 8): ImageDataset {
  let state = 12345
  const random = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
  const images = new Uint8Array(length * side * side)
  const labels = Int32Array.from({ length }, (_, i) => (i * 7) % 4)
  for (let i = 0; i < images.length; i++) {
    const [y, x] = [Math.floor(i / side) % side, i % side]
    const label = labels[Math.floor(i / (side * side))]!
    const inQuadrant = y < side / 2 === label < 2 && x < side / 2 === (label % 2 === 0)
    images[i] = (inQuadrant ? 150 : 0) + random() * 100
  }
  return imageDataset({ name: 'corners', images, labels, imageShape: [side, side, 1], classes: ['0', '1', '2', '3'] })
}
