# One image for gateway and backend: the command says which. No build step: Node runs the TypeScript that is there.
FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
# A volume that is mounted here for the first time takes over this owner.
RUN install -d media_store && install -d -o node -g node -m 0750 data media_store/pending_media
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY bin bin
COPY docker docker
COPY src src
USER node
EXPOSE 7310 7311
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["node", "bin/dragoman.js", "health"]
# Node is the first process, so that it hears SIGTERM and drains.
ENTRYPOINT ["node", "bin/dragoman.js"]
CMD ["start"]
