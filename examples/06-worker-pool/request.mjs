const { HTTP_URL = 'http://localhost:8080' } = process.env;

/** Draws the Mandelbrot set in letters. */
const [width, height] = [72, 24];
const inputs = [
  { name: 'corners', datatype: 'FP64', shape: [4], data: [-2.1, 1.1, 0.7, -1.1] },
  { name: 'size', datatype: 'INT32', shape: [2], data: [width, height] },
];
const reply = await fetch(`${HTTP_URL}/v2/models/fractal/infer`, { method: 'POST', body: JSON.stringify({ inputs }) });
const { outputs, error } = await reply.json();
if (error !== undefined) console.log(error);
else {
  const letters = outputs[0].data.map((iterations) => (iterations === 1_000 ? '*' : iterations > 6 ? ':' : '.'));
  for (let row = 0; row < height; row++) console.log(letters.slice(row * width, (row + 1) * width).join(''));
}
