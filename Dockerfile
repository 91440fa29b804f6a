# The gateway on an external PostgreSQL: DATABASE_URL is needed, and a start without it says so.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY build.mjs tsconfig.json ./
COPY src src
COPY clients clients
# Of the optional packages only the embedded PostgreSQL is large, and a container has no use for it.
RUN npm run build && npm prune --omit=dev --omit=optional

FROM node:22-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/var/lib/bdc-gateway GATEWAY_HOST=0.0.0.0 GATEWAY_PORT=8080
WORKDIR /app
COPY package.json ./
COPY mappings mappings
COPY schemas schemas
COPY certs certs
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
# Materials, checkpoints, and the keys that are not given: a volume, or they are gone with the container.
RUN install -d -o node -g node -m 700 "$DATA_DIR"
VOLUME /var/lib/bdc-gateway
USER node
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.GATEWAY_PORT}/livez`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "--enable-source-maps", "dist/src/main.js"]
CMD ["serve"]
